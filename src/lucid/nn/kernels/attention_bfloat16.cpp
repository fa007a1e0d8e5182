// SPDX-License-Identifier: Apache-2.0
// attention_kernel.h in bfloat16. The file is compiled for AVX512-BF16 as a whole, so it must not make the compiler
// emit any inline function of a header: another file might be linked against that copy and run where the instructions
// are not.
#if defined(__x86_64__)
#include <immintrin.h>

#include "lucid/base/inline.h"
#include "lucid/nn/kernels/attention_kernel.h"
#include "lucid/nn/kernels/bfloat16_pair.h"

namespace lucid::nn::kernels {
namespace {

#include "lucid/math/simd/simd.h"
static_assert(kLanes == 16);

constexpr int64_t kAttentionRows = 64;  // queries of one call
constexpr int64_t kTileRows = 8;        // queries that one tile of registers holds
constexpr int64_t kPanel = 2 * kLanes;  // keys that it holds
constexpr int64_t kKeyBlock = 512;      // keys between two looks at the running maximum
static_assert(kAttentionRows % kTileRows == 0 && kKeyBlock % kPanel == 0);

constexpr int64_t rounded_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }
constexpr int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t padded_keys(const AttentionShape& shape) { return rounded_up(shape.keys, kPanel); }
int64_t padded_width(const AttentionShape& shape) { return rounded_up(shape.width, kLanes); }

int64_t packed_keys_size(const AttentionShape& shape) { return padded_keys(shape) * shape.width; }
int64_t packed_values_size(const AttentionShape& shape) { return padded_keys(shape) * padded_width(shape); }

/// What a block of queries works in.
struct Scratch {
  float* sums;            // [kAttentionRows, padded width], not yet divided
  float* scores;          // [kAttentionRows, kKeyBlock]
  Bfloat16Bits* weights;  // [kAttentionRows, kKeyBlock]
  float* maximum;         // [kAttentionRows] of the scores so far
  float* total;           // [kAttentionRows] of the weights so far
};
constexpr int64_t kFixedScratch =
    kAttentionRows *
    (kKeyBlock * (int64_t{sizeof(float)} + int64_t{sizeof(Bfloat16Bits)}) + 2 * int64_t{sizeof(float)});

Scratch scratch_in(const AttentionShape& shape, char* bytes) {
  Scratch s{};
  s.sums = reinterpret_cast<float*>(bytes);
  s.scores = s.sums + kAttentionRows * padded_width(shape);
  s.weights = reinterpret_cast<Bfloat16Bits*>(s.scores + kAttentionRows * kKeyBlock);
  s.maximum = reinterpret_cast<float*>(s.weights + kAttentionRows * kKeyBlock);
  s.total = s.maximum + kAttentionRows;
  return s;
}

/// c [kTileRows, kRegisters * kLanes] = (kAdd ? c : 0) + a bᵀ, and with kHalf half a register's columns more. Row r of
/// `a` begins at a[r]; `b` holds, for each of `pairs` steps along the rows of `a`, a pair of numbers for each column,
/// `b_stride` numbers apart.
template <int kRegisters, bool kHalf, bool kAdd>
inline void multiply(const Bfloat16Bits* const (&a)[kTileRows], const Bfloat16Bits* b, int64_t b_stride, int64_t pairs,
                     float* c, int64_t c_stride) {
  constexpr int64_t kLast = kRegisters * kLanes;  // where the half register begins
  __m512 sums[kTileRows][kRegisters];
  __m256 last[kTileRows];
#pragma GCC unroll 8
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 3
    for (int j = 0; j < kRegisters; ++j) {
      sums[r][j] = kAdd ? _mm512_loadu_ps(c + r * c_stride + j * kLanes) : _mm512_setzero_ps();
    }
    if (kHalf) last[r] = kAdd ? _mm256_loadu_ps(c + r * c_stride + kLast) : _mm256_setzero_ps();
  }
  for (int64_t i = 0; i < pairs; ++i) {
    __m512bh column[kRegisters];
#pragma GCC unroll 3
    for (int j = 0; j < kRegisters; ++j) {
      column[j] = (__m512bh)_mm512_loadu_si512(b + i * b_stride + j * 2 * kLanes);
    }
    __m256bh half_column;
    if (kHalf) half_column = (__m256bh)_mm256_loadu_si256((const __m256i*)(b + i * b_stride + 2 * kLast));
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
      const __m512i row = _mm512_set1_epi32(pair_at(a[r] + 2 * i));
#pragma GCC unroll 3
      for (int j = 0; j < kRegisters; ++j) sums[r][j] = _mm512_dpbf16_ps(sums[r][j], (__m512bh)row, column[j]);
      if (kHalf) last[r] = _mm256_dpbf16_ps(last[r], (__m256bh)_mm512_castsi512_si256(row), half_column);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 3
    for (int j = 0; j < kRegisters; ++j) _mm512_storeu_ps(c + r * c_stride + j * kLanes, sums[r][j]);
    if (kHalf) _mm256_storeu_ps(c + r * c_stride + kLast, last[r]);
  }
}

inline __mmask16 first_lanes(int64_t count) {
  return count >= kLanes ? __mmask16(0xFFFF) : __mmask16((1u << count) - 1);
}

/// Scores of one query against `keys` keys -> weights (zero up to `padded`), and the running maximum and sum. Returns
/// by what the sums so far are to be multiplied.
inline float soften(const Scratch& s, int64_t row, int64_t keys, int64_t padded, float scale, bool first) {
  const float* scores = s.scores + row * kKeyBlock;
  Bfloat16Bits* weights = s.weights + row * kKeyBlock;
  const __m512 lowest = _mm512_set1_ps(-__builtin_inff());
  const int64_t whole = keys / kLanes * kLanes;
  const __mmask16 rest = first_lanes(keys - whole);
  __m512 highest = _mm512_mask_loadu_ps(lowest, rest, scores + whole);
  for (int64_t j = 0; j < whole; j += kLanes) highest = _mm512_max_ps(highest, _mm512_loadu_ps(scores + j));
  const float before = first ? -__builtin_inff() : s.maximum[row];
  const float of_block = _mm512_reduce_max_ps(highest) * scale;
  const float maximum = of_block > before ? of_block : before;
  const __m512 scales = _mm512_set1_ps(scale), shift = _mm512_set1_ps(maximum);
  __m512 total = _mm512_setzero_ps();
  const auto weigh = [&](__mmask16 there, int64_t j) __attribute__((always_inline)) {
    const __m512 exponent = _mm512_fmsub_ps(_mm512_maskz_loadu_ps(there, scores + j), scales, shift);
    const __m512 weight = _mm512_maskz_mov_ps(there, exp2_for_bfloat16(at_least_minus_126(exponent)));
    total = _mm512_add_ps(total, weight);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + j), (__m256i)_mm512_cvtneps_pbh(weight));
  };
  for (int64_t j = 0; j < whole; j += kLanes) weigh(first_lanes(kLanes), j);
  for (int64_t j = whole; j < padded; j += kLanes) weigh(j == whole ? rest : 0, j);
  float faded = 0;
  if (!first) {
    faded = _mm512_cvtss_f32(exp2_for_bfloat16(at_least_minus_126(_mm512_set1_ps(before - maximum))));
  }
  s.maximum[row] = maximum;
  s.total[row] = (first ? 0 : s.total[row] * faded) + _mm512_reduce_add_ps(total);
  return faded;
}

/// kRegisters * kLanes columns from `at` on of add_values(), or half a register's more.
template <int kRegisters, bool kHalf = false>
inline void add_columns(const Bfloat16Bits* const (&weights)[kTileRows], const Bfloat16Bits* values, int64_t pairs,
                        float* sums, int64_t stride, int64_t at, bool first) {
  if (first) {
    multiply<kRegisters, kHalf, false>(weights, values + 2 * at, 2 * stride, pairs, sums + at, stride);
  } else {
    multiply<kRegisters, kHalf, true>(weights, values + 2 * at, 2 * stride, pairs, sums + at, stride);
  }
}

/// sums [kTileRows, width] = (first ? 0 : sums) + weights values, whose rows are padded to whole registers.
inline void add_values(const Bfloat16Bits* const (&weights)[kTileRows], const Bfloat16Bits* values, int64_t pairs,
                       float* sums, int64_t width, bool first) {
  const int64_t stride = rounded_up(width, kLanes);
  int64_t at = 0;
  for (; stride - at >= 5 * kLanes; at += 3 * kLanes) add_columns<3>(weights, values, pairs, sums, stride, at, first);
  const int64_t left = width - at;  // at most four registers
  if (left > 3 * kLanes) {
    add_columns<2>(weights, values, pairs, sums, stride, at, first);
    at += 2 * kLanes;
  } else if (left > 2 * kLanes) {
    if (left > 2 * kLanes + kLanes / 2) return add_columns<3>(weights, values, pairs, sums, stride, at, first);
    return add_columns<2, true>(weights, values, pairs, sums, stride, at, first);
  }
  if (width - at > kLanes) return add_columns<2>(weights, values, pairs, sums, stride, at, first);
  add_columns<1>(weights, values, pairs, sums, stride, at, first);
}

void pack_head(const AttentionShape& shape, int64_t head, const void* k, const void* v, void* packed_keys,
               void* packed_values) {
  const int64_t sample = head / shape.heads, column = head % shape.heads * shape.width;
  const int64_t width = padded_width(shape), padded = padded_keys(shape);
  const Bfloat16Bits* keys = static_cast<const Bfloat16Bits*>(k) + sample * shape.keys * shape.stride() + column;
  const Bfloat16Bits* values = static_cast<const Bfloat16Bits*>(v) + sample * shape.keys * shape.stride() + column;
  for (int64_t panel = 0; panel < padded; panel += kPanel) {  // [panels, width / 2, kPanel, 2]
    Bfloat16Bits* to = static_cast<Bfloat16Bits*>(packed_keys) + panel * shape.width;
    for (int64_t key = 0; key < kPanel; ++key) {
      for (int64_t i = 0; i < shape.width; i += 2) {
        const int pair = panel + key < shape.keys ? pair_at(keys + (panel + key) * shape.stride() + i) : 0;
        __builtin_memcpy(to + i * kPanel + 2 * key, &pair, sizeof(pair));
      }
    }
  }
  for (int64_t key = 0; key < padded; key += 2) {  // [keys / 2, width, 2]
    const auto row = [&](int64_t at, int64_t i) {
      const bool there = at < shape.keys && i < shape.width;
      return there ? _mm256_maskz_loadu_epi16(first_lanes(shape.width - i), values + at * shape.stride() + i)
                   : _mm256_setzero_si256();
    };
    for (int64_t i = 0; i < width; i += kLanes) {
      const __m512i even = _mm512_cvtepu16_epi32(row(key, i)), odd = _mm512_cvtepu16_epi32(row(key + 1, i));
      _mm512_storeu_si512(static_cast<Bfloat16Bits*>(packed_values) + key * width + 2 * i,
                          _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
    }
  }
}

int64_t scratch_size(const AttentionShape& shape) {
  return kFixedScratch + kAttentionRows * padded_width(shape) * int64_t{sizeof(float)};
}

void attend_rows(const AttentionShape& shape, int64_t head, int64_t first_row, const PackedKeys& packed, const void* q,
                 void* y, char* scratch) {
  const Scratch s = scratch_in(shape, scratch);
  const int64_t sample = head / shape.heads, column = head % shape.heads * shape.width;
  const int64_t width = padded_width(shape), rows = lesser(kAttentionRows, shape.rows - first_row);
  const int64_t first_number = (sample * shape.rows + first_row) * shape.stride() + column;
  const Bfloat16Bits* queries = static_cast<const Bfloat16Bits*>(q) + first_number;
  const auto* keys = static_cast<const Bfloat16Bits*>(packed.keys);
  const auto* values = static_cast<const Bfloat16Bits*>(packed.values);
  // softmax in base 2
  const float scale = 1.44269504F / __builtin_sqrtf(static_cast<float>(shape.width));
  for (int64_t block = 0; block < shape.keys; block += kKeyBlock) {
    const bool first = block == 0;
    const int64_t there = lesser(kKeyBlock, shape.keys - block), padded = rounded_up(there, kPanel);
    for (int64_t tile = 0; tile < rows; tile += kTileRows) {
      const Bfloat16Bits* of_query[kTileRows];
      const Bfloat16Bits* of_weights[kTileRows];
      for (int64_t r = 0; r < kTileRows; ++r) {  // the last query over and over where a tile is not full
        of_query[r] = queries + lesser(tile + r, rows - 1) * shape.stride();
        of_weights[r] = s.weights + (tile + r) * kKeyBlock;
      }
      for (int64_t panel = 0; panel < padded; panel += kPanel) {
        multiply<2, false, false>(of_query, keys + (block + panel) * shape.width, 2 * kPanel, shape.width / 2,
                                  s.scores + tile * kKeyBlock + panel, kKeyBlock);
      }
      for (int64_t r = tile; r < tile + kTileRows; ++r) {
        const float faded = soften(s, r, there, padded, scale, first);
        if (first || faded == 1) continue;
        const __m512 factor = _mm512_set1_ps(faded);
        for (int64_t i = 0; i < width; i += kLanes) {
          float* at = s.sums + r * width + i;
          _mm512_storeu_ps(at, _mm512_mul_ps(_mm512_loadu_ps(at), factor));
        }
      }
      add_values(of_weights, values + block * width, padded / 2, s.sums + tile * width, shape.width, first);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    const __m512 share = _mm512_set1_ps(1 / s.total[r]);
    Bfloat16Bits* to = static_cast<Bfloat16Bits*>(y) + first_number + r * shape.stride();
    for (int64_t i = 0; i < shape.width; i += kLanes) {
      const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_mul_ps(_mm512_loadu_ps(s.sums + r * width + i), share));
      _mm256_mask_storeu_epi16(to + i, first_lanes(shape.width - i), (__m256i)rounded);
    }
  }
}

}  // namespace

extern constinit const AttentionKernel kAttentionBfloat16 = {.name = "avx512_bf16",
                                                             .rounds = true,
                                                             .width_step = 2,
                                                             .rows = kAttentionRows,
                                                             .packed_keys_size = packed_keys_size,
                                                             .packed_values_size = packed_values_size,
                                                             .pack_head = pack_head,
                                                             .scratch_size = scratch_size,
                                                             .attend_rows = attend_rows};

}  // namespace lucid::nn::kernels
#endif
