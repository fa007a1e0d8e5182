// SPDX-License-Identifier: Apache-2.0
// See winograd_kernel.h. Compiled for AVX512-BF16 as a whole, as attention_kernel.cpp is: no inline function of a
// header may be emitted here.
#include "lucid/diffusion/winograd_kernel.h"

#include "lucid/diffusion/bfloat16_pair.h"

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace lucid::diffusion {
namespace {

// Rows lie 64 bytes further apart than they are long: by powers of two they would meet in one set of the cache.
constexpr int64_t kGap = 32;
int64_t row_of(int64_t in) { return in + kGap; }                                           // of a transformed tile
int64_t place_of(int64_t tiles, int64_t in) { return tiles * row_of(in) + kGap; }          // from one place to the next
int64_t products_place(int64_t tiles) { return tiles * kWinogradPanel + kWinogradPanel; }  // likewise, of products

}  // namespace

int64_t winograd_tiles_size(int64_t tiles, int64_t in) { return kWinogradPlaces * place_of(tiles, in); }
int64_t winograd_scratch_size(int64_t tiles) { return kWinogradPlaces * products_place(tiles); }

#ifdef __AVX512BF16__

namespace {

constexpr int64_t kLanes = 16;  // float32 numbers in a register
constexpr int64_t kSide = 4;    // of a transformed tile

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

struct Place {
  int64_t sample, row, column;  // the first result of a tile
};
inline Place place_of_tile(const WinogradShape& shape, int64_t tile) {
  const int64_t wide = shape.tiles_wide(), of_sample = shape.tiles_high() * wide, in_sample = tile % of_sample;
  return {.sample = tile / of_sample, .row = 2 * (in_sample / wide), .column = 2 * (in_sample % wide)};
}

/// products [kRows, kWinogradPanel] = tiles [kRows, in] filters [in / 2, kWinogradPanel, 2].
template <int kRows>
void multiply_rows(const Bfloat16Bits* tiles, int64_t in, const Bfloat16Bits* filters, float* products) {
  __m512 sums[kRows][2];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
  const int64_t row = row_of(in);
  for (int64_t c = 0; c < in; c += 2) {
    const Bfloat16Bits* pairs = filters + c * kWinogradPanel;
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
    _mm512_storeu_ps(products + r * kWinogradPanel, sums[r][0]);
    _mm512_storeu_ps(products + r * kWinogradPanel + kLanes, sums[r][1]);
  }
}

using MultiplyRows = void (*)(const Bfloat16Bits*, int64_t, const Bfloat16Bits*, float*);
constexpr int64_t kMostRows = 12;  // 24 sums, two registers of filters and one of tiles
constexpr MultiplyRows kMultiplyRows[kMostRows + 1] = {
    nullptr,           multiply_rows<1>,  multiply_rows<2>, multiply_rows<3>, multiply_rows<4>,
    multiply_rows<5>,  multiply_rows<6>,  multiply_rows<7>, multiply_rows<8>, multiply_rows<9>,
    multiply_rows<10>, multiply_rows<11>, multiply_rows<12>};

}  // namespace

void transform_filters(int64_t in, int64_t panel, const Bfloat16Bits* filters, const FilterStrides& strides,
                       Bfloat16Bits* transformed) {
  const auto number = [](Bfloat16Bits bits) {
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    float value;
    __builtin_memcpy(&value, &wide, sizeof(value));
    return value;
  };
  for (int64_t lane = 0; lane < kWinogradPanel; ++lane) {
    const Bfloat16Bits* of_result = filters + (panel * kWinogradPanel + lane) * strides.out;
    for (int64_t c = 0; c < in; ++c) {
      float half[kSide][3];  // G g
      for (int64_t j = 0; j < 3; ++j) {
        const auto at = [&](int64_t i) {
          return number(of_result[i * strides.row + j * strides.column + c * strides.in]);
        };
        const float outer = at(0) + at(2), middle = at(1);
        half[0][j] = at(0);
        half[1][j] = 0.5F * (outer + middle);
        half[2][j] = 0.5F * (outer - middle);
        half[3][j] = at(2);
      }
      float whole[kWinogradPlaces];  // G g Gᵀ
      for (int64_t i = 0; i < kSide; ++i) {
        const float outer = half[i][0] + half[i][2], middle = half[i][1];
        whole[kSide * i] = half[i][0];
        whole[kSide * i + 1] = 0.5F * (outer + middle);
        whole[kSide * i + 2] = 0.5F * (outer - middle);
        whole[kSide * i + 3] = half[i][2];
      }
      Bfloat16Bits rounded[kWinogradPlaces];
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(rounded), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(whole)));
      Bfloat16Bits* to = transformed + (c - c % 2) * kWinogradPanel + 2 * lane + c % 2;
      for (int64_t place = 0; place < kWinogradPlaces; ++place) to[place * in * kWinogradPanel] = rounded[place];
    }
  }
}

void transform_tiles(const WinogradShape& shape, const TileRange& block, const TileRange& part, const float* x,
                     Bfloat16Bits* transformed) {
  const int64_t in = shape.in, place = place_of(block.size(), in);
  for (int64_t tile = part.begin; tile < part.end; ++tile) {
    const Place at = place_of_tile(shape, tile);
    Bfloat16Bits* to = transformed + (tile - block.begin) * row_of(in);
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

void multiply_tiles(const WinogradShape& shape, const TileRange& block, int64_t panel, const Bfloat16Bits* tiles,
                    const Bfloat16Bits* filters, const float* bias, float* y, float* scratch) {
  const int64_t in = shape.in, count = block.size(), place = products_place(count);
  const int64_t groups = (count + kMostRows - 1) / kMostRows;  // of nearly equal numbers of rows
  for (int64_t p = 0; p < kWinogradPlaces; ++p) {
    const Bfloat16Bits* of_panel = filters + (panel * kWinogradPlaces + p) * in * kWinogradPanel;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = count * group / groups, rows = count * (group + 1) / groups - first;
      kMultiplyRows[rows](tiles + p * place_of(count, in) + first * row_of(in), in, of_panel,
                          scratch + p * place + first * kWinogradPanel);
    }
  }
  for (int64_t tile = block.begin; tile < block.end; ++tile) {
    const Place at = place_of_tile(shape, tile);
    const bool two_rows = at.row + 1 < shape.height, two_columns = at.column + 1 < shape.width;
    float* to =
        y + ((at.sample * shape.height + at.row) * shape.width + at.column) * shape.out + panel * kWinogradPanel;
    const float* products = scratch + (tile - block.begin) * kWinogradPanel;
    for (int64_t c = 0; c < kWinogradPanel; c += kLanes) {
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
      const __m512 shift = bias != nullptr ? _mm512_loadu_ps(bias + panel * kWinogradPanel + c) : _mm512_setzero_ps();
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

#else  // never called: has_fast_bfloat16() says no

void transform_filters(int64_t, int64_t, const Bfloat16Bits*, const FilterStrides&, Bfloat16Bits*) {}
void transform_tiles(const WinogradShape&, const TileRange&, const TileRange&, const float*, Bfloat16Bits*) {}
void multiply_tiles(const WinogradShape&, const TileRange&, int64_t, const Bfloat16Bits*, const Bfloat16Bits*,
                    const float*, float*, float*) {}

#endif

}  // namespace lucid::diffusion
