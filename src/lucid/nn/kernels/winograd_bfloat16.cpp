// SPDX-License-Identifier: Apache-2.0
// F(2 x 2, 3 x 3) with tiles transformed in float32 and multiplied in bfloat16 with float32 sums. Compiled for
// AVX512-BF16 as a whole, as attention_bfloat16.cpp is: no inline function of a header may be emitted here.
#if defined(__x86_64__)
#include <immintrin.h>

#include "lucid/nn/kernels/bfloat16_pair.h"
#include "lucid/nn/kernels/winograd_kernel.h"

namespace lucid::nn::kernels {
namespace {

constexpr int64_t kLanes = 16;  // float32 numbers in a register
constexpr int64_t kPanel = 2 * kLanes;
constexpr int64_t kSide = 4;  // of a transformed tile
constexpr int64_t kPlaces = kSide * kSide;

// Rows lie 64 bytes further apart than they are long: by powers of two they would meet in one set of the cache.
constexpr int64_t kGap = 32;
int64_t row_of(int64_t in) { return in + kGap; }                                   // of a transformed tile
int64_t place_of(int64_t tiles, int64_t in) { return tiles * row_of(in) + kGap; }  // from one place to the next
int64_t products_place(int64_t tiles) { return tiles * kPanel + kPanel; }          // likewise, of products
int64_t tiles_size(int64_t tiles, int64_t in) { return kPlaces * place_of(tiles, in); }
int64_t scratch_size(int64_t tiles, int64_t /*channels*/) { return kPlaces * products_place(tiles); }

// As many as the cache's second level holds with their products, and enough that filters are not read too often.
int64_t tiles_of_block(const WinogradShape& /*shape*/) { return 96; }

constexpr float kOfFilters[kSide][3] = {{1, 0, 0}, {0.5F, 0.5F, 0.5F}, {0.5F, -0.5F, 0.5F}, {0, 0, 1}};

/// Bᵀ of four rows: what F(2, 3) multiplies.
inline void transform_four(const __m512 (&d)[kSide], __m512 (&t)[kSide]) {
  t[0] = _mm512_sub_ps(d[0], d[2]);
  t[1] = _mm512_add_ps(d[1], d[2]);
  t[2] = _mm512_sub_ps(d[2], d[1]);
  t[3] = _mm512_sub_ps(d[1], d[3]);
}

/// Aᵀ of four products: two results.
inline void results_of(const __m512 (&m)[kSide], __m512 (&y)[2]) {
  y[0] = _mm512_add_ps(m[0], _mm512_add_ps(m[1], m[2]));
  y[1] = _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}

/// products [kRows, kPanel] = tiles [kRows, in] filters [in / 2, kPanel, 2].
template <int kRows>
void multiply_rows(const Bfloat16Bits* tiles, int64_t in, const Bfloat16Bits* filters, float* products) {
  __m512 sums[kRows][2];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
  const int64_t row = row_of(in);
  for (int64_t c = 0; c < in; c += 2) {
    const Bfloat16Bits* pairs = filters + c * kPanel;
    const __m512bh left = (__m512bh)_mm512_loadu_si512(pairs);
    const __m512bh right = (__m512bh)_mm512_loadu_si512(pairs + 2 * kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const __m512bh tile = (__m512bh)_mm512_set1_epi32(pair_at(tiles + r * row + c));
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], tile, left);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], tile, right);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    _mm512_storeu_ps(products + r * kPanel, sums[r][0]);
    _mm512_storeu_ps(products + r * kPanel + kLanes, sums[r][1]);
  }
}

using MultiplyRows = void (*)(const Bfloat16Bits*, int64_t, const Bfloat16Bits*, float*);
constexpr int64_t kMostRows = 12;  // 24 sums, two registers of filters and one of tiles
constexpr MultiplyRows kMultiplyRows[kMostRows + 1] = {
    nullptr,           multiply_rows<1>,  multiply_rows<2>, multiply_rows<3>, multiply_rows<4>,
    multiply_rows<5>,  multiply_rows<6>,  multiply_rows<7>, multiply_rows<8>, multiply_rows<9>,
    multiply_rows<10>, multiply_rows<11>, multiply_rows<12>};

void transform_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& part, const float* x,
                     void* transformed) {
  const int64_t in = shape.in, place = place_of(block.size(), in);
  for (int64_t tile = part.begin; tile < part.end; ++tile) {
    const WinogradPlace at = place_of_tile(shape, tile);
    Bfloat16Bits* to = static_cast<Bfloat16Bits*>(transformed) + (tile - block.begin) * row_of(in);
    const float* pixels[kSide][kSide];
    __mmask16 there[kSide][kSide];  // none of a pixel beyond the edge, which is not read
    for (int64_t i = 0; i < kSide; ++i) {
      for (int64_t j = 0; j < kSide; ++j) {
        const int64_t row = at.row - 1 + i, column = at.column - 1 + j;
        const bool inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
        pixels[i][j] = inside ? x + ((at.sample * shape.height + row) * shape.width + column) * in : x;
        there[i][j] = inside ? __mmask16(0xFFFF) : __mmask16(0);
      }
    }
    for (int64_t c = 0; c < in; c += kLanes) {
      __m512 half[kSide][kSide];  // [column][row] of Bᵀ d
#pragma GCC unroll 4
      for (int j = 0; j < kSide; ++j) {
        __m512 d[kSide];
#pragma GCC unroll 4
        for (int i = 0; i < kSide; ++i) d[i] = _mm512_maskz_loadu_ps(there[i][j], pixels[i][j] + c);
        transform_four(d, half[j]);
      }
#pragma GCC unroll 4
      for (int i = 0; i < kSide; ++i) {
        const __m512 row[kSide] = {half[0][i], half[1][i], half[2][i], half[3][i]};
        __m512 whole[kSide];
        transform_four(row, whole);
#pragma GCC unroll 4
        for (int j = 0; j < kSide; ++j) {
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (kSide * i + j) * place + c),
                              (__m256i)_mm512_cvtneps_pbh(whole[j]));
        }
      }
    }
  }
}

/// The results in the channels of one panel.
void multiply_panel(const WinogradShape& shape, const KernelRange& block, int64_t panel, const Bfloat16Bits* tiles,
                    const Bfloat16Bits* filters, const float* bias, float* y, float* scratch) {
  const int64_t in = shape.in, count = block.size(), place = products_place(count);
  const int64_t groups = (count + kMostRows - 1) / kMostRows;  // of nearly equal numbers of rows
  for (int64_t p = 0; p < kPlaces; ++p) {
    const Bfloat16Bits* of_panel = filters + (panel * kPlaces + p) * in * kPanel;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = count * group / groups, rows = count * (group + 1) / groups - first;
      kMultiplyRows[rows](tiles + p * place_of(count, in) + first * row_of(in), in, of_panel,
                          scratch + p * place + first * kPanel);
    }
  }
  for (int64_t tile = block.begin; tile < block.end; ++tile) {
    const WinogradPlace at = place_of_tile(shape, tile);
    const bool two_rows = at.row + 1 < shape.height, two_columns = at.column + 1 < shape.width;
    float* to = y + ((at.sample * shape.height + at.row) * shape.width + at.column) * shape.out + panel * kPanel;
    const float* products = scratch + (tile - block.begin) * kPanel;
    for (int64_t c = 0; c < kPanel; c += kLanes) {
      __m512 half[2][kSide];  // Aᵀ m
#pragma GCC unroll 4
      for (int j = 0; j < kSide; ++j) {
        __m512 m[kSide], results[2];
#pragma GCC unroll 4
        for (int i = 0; i < kSide; ++i) m[i] = _mm512_loadu_ps(products + (kSide * i + j) * place + c);
        results_of(m, results);
        half[0][j] = results[0];
        half[1][j] = results[1];
      }
      const __m512 shift = bias != nullptr ? _mm512_loadu_ps(bias + panel * kPanel + c) : _mm512_setzero_ps();
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        if (i == 1 && !two_rows) continue;
        __m512 results[2];
        results_of(half[i], results);
        float* of_row = to + i * shape.width * shape.out + c;
        _mm512_storeu_ps(of_row, _mm512_add_ps(results[0], shift));
        if (two_columns) _mm512_storeu_ps(of_row + shape.out, _mm512_add_ps(results[1], shift));
      }
    }
  }
}

void multiply_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels, const void* tiles,
                    const FilterNumbers& filters, const float* bias, float* y, float* scratch) {
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    multiply_panel(shape, block, panel, static_cast<const Bfloat16Bits*>(tiles),
                   static_cast<const Bfloat16Bits*>(filters.transformed), bias, y, scratch);
  }
}

}  // namespace

extern constinit const WinogradKernel kWinogradBfloat16 = {.name = "avx512_bf16",
                                                           .side = 2,
                                                           .of_filters = &kOfFilters[0][0],
                                                           .rounds = true,
                                                           .panel = kPanel,
                                                           .together = 2,
                                                           .tiles_of_block = tiles_of_block,
                                                           .tiles_of_thread = 48,
                                                           .tiles_size = tiles_size,
                                                           .scratch_size = scratch_size,
                                                           .transform_tiles = transform_tiles,
                                                           .multiply_tiles = multiply_tiles};

}  // namespace lucid::nn::kernels
#endif
