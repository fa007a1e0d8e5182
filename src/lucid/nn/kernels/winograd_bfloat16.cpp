// SPDX-License-Identifier: Apache-2.0
// Winograd convolution F(2 x 2, 3 x 3) (winograd_kernel.h) with float32 transforms, and bfloat16 products with float32
// sums (AVX512-BF16). Like attention_bfloat16.cpp, the whole file is compiled for these instructions and must not emit
// an inline function of a header.
#if defined(__x86_64__)
#include <immintrin.h>

#include "lucid/nn/kernels/bfloat16_pair.h"
#include "lucid/nn/kernels/winograd_kernel.h"

namespace lucid::nn::kernels {
namespace {

constexpr int64_t kLanes = 16;  // float32 elements of a register
constexpr int64_t kPanel = 2 * kLanes;
constexpr int64_t kSide = 4;  // of an input tile and of a transformed tile
constexpr int64_t kElements = kSide * kSide;

/// Strides of transformed tiles [tile elements, tiles, in] and of products [tile elements, tiles, kPanel]. They are
/// padded: addresses that differ by a power of two compete for the same set of the cache.
constexpr int64_t kPadding = 32;  // elements
int64_t tile_stride(int64_t in) { return in + kPadding; }
int64_t element_stride(int64_t tiles, int64_t in) { return tiles * tile_stride(in) + kPadding; }
int64_t product_stride(int64_t tiles) { return tiles * kPanel + kPanel; }
int64_t transformed_size(int64_t tiles, int64_t in) { return kElements * element_stride(tiles, in); }
int64_t scratch_size(int64_t tiles, int64_t /*channels*/) { return kElements * product_stride(tiles); }

/// The second-level cache holds so many tiles with their products. Fewer would read the filters more often.
int64_t tiles_per_block(const WinogradShape& /*shape*/) { return 96; }

/// G.
constexpr float kFilterTransform[kSide][3] = {{1, 0, 0}, {0.5F, 0.5F, 0.5F}, {0.5F, -0.5F, 0.5F}, {0, 0, 1}};

/// t = Bᵀ d.
inline void transform_input(const __m512 (&d)[kSide], __m512 (&t)[kSide]) {
  t[0] = _mm512_sub_ps(d[0], d[2]);
  t[1] = _mm512_add_ps(d[1], d[2]);
  t[2] = _mm512_sub_ps(d[2], d[1]);
  t[3] = _mm512_sub_ps(d[1], d[3]);
}

/// y = Aᵀ m.
inline void transform_output(const __m512 (&m)[kSide], __m512 (&y)[2]) {
  y[0] = _mm512_add_ps(m[0], _mm512_add_ps(m[1], m[2]));
  y[1] = _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}

/// products [kRows, kPanel] = tiles [kRows, in] filters [in / 2, kPanel, 2].
template <int kRows>
void gemm_rows(const Bfloat16Bits* tiles, int64_t in, const Bfloat16Bits* filters, float* products) {
  __m512 sums[kRows][2];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
  const int64_t stride = tile_stride(in);
  for (int64_t c = 0; c < in; c += 2) {
    const Bfloat16Bits* pairs = filters + c * kPanel;
    const __m512bh left = (__m512bh)_mm512_loadu_si512(pairs);
    const __m512bh right = (__m512bh)_mm512_loadu_si512(pairs + 2 * kLanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const __m512bh tile = (__m512bh)_mm512_set1_epi32(load_pair(tiles + r * stride + c));
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

using GemmRows = void (*)(const Bfloat16Bits*, int64_t, const Bfloat16Bits*, float*);
constexpr int64_t kMaxRows = 12;  // registers: 24 of sums, two of filters, one of tiles
constexpr GemmRows kGemmRows[kMaxRows + 1] = {nullptr,       gemm_rows<1>,  gemm_rows<2>, gemm_rows<3>, gemm_rows<4>,
                                              gemm_rows<5>,  gemm_rows<6>,  gemm_rows<7>, gemm_rows<8>, gemm_rows<9>,
                                              gemm_rows<10>, gemm_rows<11>, gemm_rows<12>};

void transform_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& part, const float* x,
                     void* transformed) {
  const int64_t in = shape.in, stride = element_stride(block.size(), in);
  for (int64_t tile = part.begin; tile < part.end; ++tile) {
    const TileOrigin at = tile_origin(shape, tile);
    Bfloat16Bits* to = static_cast<Bfloat16Bits*>(transformed) + (tile - block.begin) * tile_stride(in);
    const float* pixels[kSide][kSide];
    __mmask16 lanes[kSide][kSide];  // empty for a padding pixel, which is not read
    for (int64_t i = 0; i < kSide; ++i) {
      for (int64_t j = 0; j < kSide; ++j) {
        const int64_t row = at.row - 1 + i, column = at.column - 1 + j;
        const bool inside = row >= 0 && row < shape.height && column >= 0 && column < shape.width;
        pixels[i][j] = inside ? x + ((at.sample * shape.height + row) * shape.width + column) * in : x;
        lanes[i][j] = inside ? __mmask16(0xFFFF) : __mmask16(0);
      }
    }
    for (int64_t c = 0; c < in; c += kLanes) {
      __m512 half[kSide][kSide];  // (Bᵀ d)ᵀ
#pragma GCC unroll 4
      for (int j = 0; j < kSide; ++j) {
        __m512 d[kSide];
#pragma GCC unroll 4
        for (int i = 0; i < kSide; ++i) d[i] = _mm512_maskz_loadu_ps(lanes[i][j], pixels[i][j] + c);
        transform_input(d, half[j]);
      }
#pragma GCC unroll 4
      for (int i = 0; i < kSide; ++i) {
        const __m512 row[kSide] = {half[0][i], half[1][i], half[2][i], half[3][i]};
        __m512 whole[kSide];
        transform_input(row, whole);
#pragma GCC unroll 4
        for (int j = 0; j < kSide; ++j) {
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (kSide * i + j) * stride + c),
                              (__m256i)_mm512_cvtneps_pbh(whole[j]));
        }
      }
    }
  }
}

/// Products of the tiles of `block` with the filters of one panel, then the outputs Aᵀ m A plus the bias.
void multiply_panel(const WinogradShape& shape, const KernelRange& block, int64_t panel, const Bfloat16Bits* tiles,
                    const Bfloat16Bits* filters, const float* bias, float* y, float* scratch) {
  const int64_t in = shape.in, count = block.size(), stride = product_stride(count);
  const int64_t groups = (count + kMaxRows - 1) / kMaxRows;  // of nearly equal size
  for (int64_t p = 0; p < kElements; ++p) {
    const Bfloat16Bits* element_filters = filters + (panel * kElements + p) * in * kPanel;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = count * group / groups, rows = count * (group + 1) / groups - first;
      kGemmRows[rows](tiles + p * element_stride(count, in) + first * tile_stride(in), in, element_filters,
                      scratch + p * stride + first * kPanel);
    }
  }
  for (int64_t tile = block.begin; tile < block.end; ++tile) {
    const TileOrigin at = tile_origin(shape, tile);
    const bool two_rows = at.row + 1 < shape.height, two_columns = at.column + 1 < shape.width;
    float* to = y + ((at.sample * shape.height + at.row) * shape.width + at.column) * shape.out + panel * kPanel;
    const float* products = scratch + (tile - block.begin) * kPanel;
    for (int64_t c = 0; c < kPanel; c += kLanes) {
      __m512 half[2][kSide];  // Aᵀ m
#pragma GCC unroll 4
      for (int j = 0; j < kSide; ++j) {
        __m512 m[kSide], outputs[2];
#pragma GCC unroll 4
        for (int i = 0; i < kSide; ++i) m[i] = _mm512_loadu_ps(products + (kSide * i + j) * stride + c);
        transform_output(m, outputs);
        half[0][j] = outputs[0];
        half[1][j] = outputs[1];
      }
      const __m512 shift = bias != nullptr ? _mm512_loadu_ps(bias + panel * kPanel + c) : _mm512_setzero_ps();
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        if (i == 1 && !two_rows) continue;
        __m512 outputs[2];
        transform_output(half[i], outputs);
        float* row = to + i * shape.width * shape.out + c;
        _mm512_storeu_ps(row, _mm512_add_ps(outputs[0], shift));
        if (two_columns) _mm512_storeu_ps(row + shape.out, _mm512_add_ps(outputs[1], shift));
      }
    }
  }
}

void multiply_tiles(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels, const void* tiles,
                    const WinogradFilters& filters, const float* bias, float* y, float* scratch) {
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    multiply_panel(shape, block, panel, static_cast<const Bfloat16Bits*>(tiles),
                   static_cast<const Bfloat16Bits*>(filters.transformed), bias, y, scratch);
  }
}

}  // namespace

extern constinit const WinogradKernel kWinogradBfloat16 = {.name = "avx512_bf16",
                                                           .tile_size = 2,
                                                           .filter_transform = &kFilterTransform[0][0],
                                                           .bfloat16_tiles = true,
                                                           .panel = kPanel,
                                                           .channel_group = 2,
                                                           .tiles_per_block = tiles_per_block,
                                                           .min_tiles_per_thread = 48,
                                                           .transformed_size = transformed_size,
                                                           .scratch_size = scratch_size,
                                                           .transform_tiles = transform_tiles,
                                                           .multiply_tiles = multiply_tiles};

}  // namespace lucid::nn::kernels
#endif
