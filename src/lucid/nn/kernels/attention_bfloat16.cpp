// SPDX-License-Identifier: Apache-2.0
// Fused attention (attention_kernel.h) in bfloat16, with AVX512-BF16 dot products. The whole file is compiled for these
// instructions, so it must not emit an inline function of a header: the linker might take that copy for other files,
// which run on processors without the instructions.
#if defined(__x86_64__)
#include <immintrin.h>

#include "lucid/base/inline.h"
#include "lucid/nn/kernels/attention_kernel.h"
#include "lucid/nn/kernels/bfloat16_pair.h"

namespace lucid::nn::kernels {
namespace {

#include "lucid/math/simd/simd.h"
static_assert(kLanes == 16);

constexpr int64_t kAttentionRows = 64;  // queries per call
constexpr int64_t kTileRows = 8;        // queries per tile of scores in registers
constexpr int64_t kPanel = 2 * kLanes;  // keys per tile
constexpr int64_t kKeyBlock = 512;      // keys per update of the running softmax
static_assert(kAttentionRows % kTileRows == 0 && kKeyBlock % kPanel == 0);

constexpr int64_t round_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }
constexpr int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t padded_keys(const AttentionShape& shape) { return round_up(shape.keys, kPanel); }
int64_t padded_width(const AttentionShape& shape) { return round_up(shape.width, kLanes); }

int64_t packed_keys_size(const AttentionShape& shape) { return padded_keys(shape) * shape.width; }
int64_t packed_values_size(const AttentionShape& shape) { return padded_keys(shape) * padded_width(shape); }

/// Scratch memory for the queries of one call.
struct Scratch {
  float* sums;            // [kAttentionRows, padded width], weighted sums of values
  float* scores;          // [kAttentionRows, kKeyBlock]
  Bfloat16Bits* weights;  // [kAttentionRows, kKeyBlock], 2^(scaled score - maximum)
  float* maximum;         // [kAttentionRows], running maximum of the scaled scores
  float* total;           // [kAttentionRows], running sum of the weights
};
constexpr int64_t kFixedScratch =
    kAttentionRows *
    (kKeyBlock * (int64_t{sizeof(float)} + int64_t{sizeof(Bfloat16Bits)}) + 2 * int64_t{sizeof(float)});

Scratch split_scratch(const AttentionShape& shape, char* bytes) {
  Scratch s{};
  s.sums = reinterpret_cast<float*>(bytes);
  s.scores = s.sums + kAttentionRows * padded_width(shape);
  s.weights = reinterpret_cast<Bfloat16Bits*>(s.scores + kAttentionRows * kKeyBlock);
  s.maximum = reinterpret_cast<float*>(s.weights + kAttentionRows * kKeyBlock);
  s.total = s.maximum + kAttentionRows;
  return s;
}

/// c [kTileRows, columns] = (kAdd ? c : 0) + a [kTileRows, 2 pairs] b, with kRegisters * kLanes columns, and kLanes / 2
/// more if kHalf. Row r of `a` begins at a[r]. b [pairs, columns, 2] has the two elements of a pair next to each other;
/// its rows begin `b_stride` elements apart.
template <int kRegisters, bool kHalf, bool kAdd>
inline void gemm_tile(const Bfloat16Bits* const (&a)[kTileRows], const Bfloat16Bits* b, int64_t b_stride, int64_t pairs,
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
      const __m512i row = _mm512_set1_epi32(load_pair(a[r] + 2 * i));
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

/// Mask of the first `count` lanes; all if there are more.
inline __mmask16 first_lanes(int64_t count) {
  return count >= kLanes ? __mmask16(0xFFFF) : __mmask16((1u << count) - 1);
}

/// Adds the scores of `keys` keys to the running softmax of one query and writes their weights, with zeros up to
/// `padded`. `first`: the query has seen no keys before. Returns the factor by which sums over earlier keys must be
/// multiplied, since they were weighted under the previous maximum.
inline float update_softmax(const Scratch& s, int64_t row, int64_t keys, int64_t padded, float scale, bool first) {
  const float* scores = s.scores + row * kKeyBlock;
  Bfloat16Bits* weights = s.weights + row * kKeyBlock;
  const __m512 lowest = _mm512_set1_ps(-__builtin_inff());
  const int64_t whole = keys / kLanes * kLanes;
  const __mmask16 rest = first_lanes(keys - whole);
  __m512 highest = _mm512_mask_loadu_ps(lowest, rest, scores + whole);
  for (int64_t j = 0; j < whole; j += kLanes) highest = _mm512_max_ps(highest, _mm512_loadu_ps(scores + j));
  const float previous = first ? -__builtin_inff() : s.maximum[row];
  const float block_maximum = _mm512_reduce_max_ps(highest) * scale;
  const float maximum = block_maximum > previous ? block_maximum : previous;
  const __m512 scales = _mm512_set1_ps(scale), shift = _mm512_set1_ps(maximum);
  __m512 total = _mm512_setzero_ps();
  const auto exponentiate = [&](__mmask16 lanes, int64_t j) __attribute__((always_inline)) {
    const __m512 exponent = _mm512_fmsub_ps(_mm512_maskz_loadu_ps(lanes, scores + j), scales, shift);
    const __m512 weight = _mm512_maskz_mov_ps(lanes, exp2_for_bfloat16(clamp_exponent(exponent)));
    total = _mm512_add_ps(total, weight);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + j), (__m256i)_mm512_cvtneps_pbh(weight));
  };
  for (int64_t j = 0; j < whole; j += kLanes) exponentiate(first_lanes(kLanes), j);
  for (int64_t j = whole; j < padded; j += kLanes) exponentiate(j == whole ? rest : 0, j);
  float rescale = 0;
  if (!first) {
    rescale = _mm512_cvtss_f32(exp2_for_bfloat16(clamp_exponent(_mm512_set1_ps(previous - maximum))));
  }
  s.maximum[row] = maximum;
  s.total[row] = (first ? 0 : s.total[row] * rescale) + _mm512_reduce_add_ps(total);
  return rescale;
}

/// add_values() for kRegisters * kLanes columns from column `at` on, and kLanes / 2 more if kHalf.
template <int kRegisters, bool kHalf = false>
inline void add_columns(const Bfloat16Bits* const (&weights)[kTileRows], const Bfloat16Bits* values, int64_t pairs,
                        float* sums, int64_t stride, int64_t at, bool first) {
  if (first) {
    gemm_tile<kRegisters, kHalf, false>(weights, values + 2 * at, 2 * stride, pairs, sums + at, stride);
  } else {
    gemm_tile<kRegisters, kHalf, true>(weights, values + 2 * at, 2 * stride, pairs, sums + at, stride);
  }
}

/// sums [kTileRows, width] = (first ? 0 : sums) + weights [kTileRows, 2 pairs] values [pairs, padded width, 2]. Columns
/// go three registers at a time, and the rest in as few registers as hold it.
inline void add_values(const Bfloat16Bits* const (&weights)[kTileRows], const Bfloat16Bits* values, int64_t pairs,
                       float* sums, int64_t width, bool first) {
  const int64_t stride = round_up(width, kLanes);
  int64_t at = 0;
  for (; stride - at >= 5 * kLanes; at += 3 * kLanes) add_columns<3>(weights, values, pairs, sums, stride, at, first);
  const int64_t left = width - at;  // fits four registers
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

/// Keys -> [padded keys / kPanel, width / 2, kPanel, 2], values -> [padded keys / 2, padded width, 2]; zeros beyond the
/// last key and column.
void pack_head(const AttentionShape& shape, int64_t head, const void* k, const void* v, void* packed_keys,
               void* packed_values) {
  const int64_t sample = head / shape.heads, column = head % shape.heads * shape.width;
  const int64_t width = padded_width(shape), padded = padded_keys(shape);
  const Bfloat16Bits* keys = static_cast<const Bfloat16Bits*>(k) + sample * shape.keys * shape.stride() + column;
  const Bfloat16Bits* values = static_cast<const Bfloat16Bits*>(v) + sample * shape.keys * shape.stride() + column;
  for (int64_t panel = 0; panel < padded; panel += kPanel) {
    Bfloat16Bits* to = static_cast<Bfloat16Bits*>(packed_keys) + panel * shape.width;
    for (int64_t key = 0; key < kPanel; ++key) {
      for (int64_t i = 0; i < shape.width; i += 2) {
        const int pair = panel + key < shape.keys ? load_pair(keys + (panel + key) * shape.stride() + i) : 0;
        __builtin_memcpy(to + i * kPanel + 2 * key, &pair, sizeof(pair));
      }
    }
  }
  for (int64_t key = 0; key < padded; key += 2) {
    const auto row = [&](int64_t at, int64_t i) {
      const bool inside = at < shape.keys && i < shape.width;
      return inside ? _mm256_maskz_loadu_epi16(first_lanes(shape.width - i), values + at * shape.stride() + i)
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

void attend_rows(const AttentionShape& shape, int64_t head, int64_t first_row, const PackedHead& packed, const void* q,
                 void* y, char* scratch) {
  const Scratch s = split_scratch(shape, scratch);
  const int64_t sample = head / shape.heads, column = head % shape.heads * shape.width;
  const int64_t width = padded_width(shape), rows = min_of(kAttentionRows, shape.rows - first_row);
  const int64_t first_element = (sample * shape.rows + first_row) * shape.stride() + column;
  const Bfloat16Bits* queries = static_cast<const Bfloat16Bits*>(q) + first_element;
  const auto* keys = static_cast<const Bfloat16Bits*>(packed.keys);
  const auto* values = static_cast<const Bfloat16Bits*>(packed.values);
  // The softmax is computed in base 2, hence log2(e).
  const float scale = 1.44269504F / __builtin_sqrtf(static_cast<float>(shape.width));
  for (int64_t block = 0; block < shape.keys; block += kKeyBlock) {
    const bool first = block == 0;
    const int64_t count = min_of(kKeyBlock, shape.keys - block), padded = round_up(count, kPanel);
    for (int64_t tile = 0; tile < rows; tile += kTileRows) {
      const Bfloat16Bits* query_rows[kTileRows];
      const Bfloat16Bits* weight_rows[kTileRows];
      for (int64_t r = 0; r < kTileRows; ++r) {  // a tile that is not full repeats the last query
        query_rows[r] = queries + min_of(tile + r, rows - 1) * shape.stride();
        weight_rows[r] = s.weights + (tile + r) * kKeyBlock;
      }
      for (int64_t panel = 0; panel < padded; panel += kPanel) {
        gemm_tile<2, false, false>(query_rows, keys + (block + panel) * shape.width, 2 * kPanel, shape.width / 2,
                                   s.scores + tile * kKeyBlock + panel, kKeyBlock);
      }
      for (int64_t r = tile; r < tile + kTileRows; ++r) {
        const float rescale = update_softmax(s, r, count, padded, scale, first);
        if (first || rescale == 1) continue;
        const __m512 factor = _mm512_set1_ps(rescale);
        for (int64_t i = 0; i < width; i += kLanes) {
          float* at = s.sums + r * width + i;
          _mm512_storeu_ps(at, _mm512_mul_ps(_mm512_loadu_ps(at), factor));
        }
      }
      add_values(weight_rows, values + block * width, padded / 2, s.sums + tile * width, shape.width, first);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    const __m512 inverse_total = _mm512_set1_ps(1 / s.total[r]);
    Bfloat16Bits* to = static_cast<Bfloat16Bits*>(y) + first_element + r * shape.stride();
    for (int64_t i = 0; i < shape.width; i += kLanes) {
      const __m256bh rounded =
          _mm512_cvtneps_pbh(_mm512_mul_ps(_mm512_loadu_ps(s.sums + r * width + i), inverse_total));
      _mm256_mask_storeu_epi16(to + i, first_lanes(shape.width - i), (__m256i)rounded);
    }
  }
}

}  // namespace

extern constinit const AttentionKernel kAttentionBfloat16 = {.name = "avx512_bf16",
                                                             .in_bfloat16 = true,
                                                             .width_multiple = 2,
                                                             .rows_per_call = kAttentionRows,
                                                             .packed_keys_size = packed_keys_size,
                                                             .packed_values_size = packed_values_size,
                                                             .pack_head = pack_head,
                                                             .scratch_size = scratch_size,
                                                             .attend_rows = attend_rows};

}  // namespace lucid::nn::kernels
#endif
