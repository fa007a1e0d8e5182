// SPDX-License-Identifier: Apache-2.0
// A convolution of 3 x 3 by Winograd's minimal filtering F(2 x 2, 3 x 3) (Lavin and Gray, Fast Algorithms for
// Convolutional Neural Networks, 2016): a tile of 2 x 2 results takes 16 products a pair of channels in place of 36.
// Tiles are transformed in float32 and multiplied in bfloat16 with float32 sums. To be called only where
// has_fast_bfloat16() (base/machine.h).
#pragma once

#include <cstdint>

#include "lucid/diffusion/fused_kernels.h"

namespace lucid::diffusion {

/// x [batch, height, width, in] and y [batch, height, width, out], zeros around x; in and out multiples of
/// kWinogradPanel. Tiles are numbered row by row, sample by sample; those at an odd edge reach beyond it.
struct WinogradShape {
  int64_t batch = 0, height = 0, width = 0, in = 0, out = 0;
  [[gnu::always_inline]] int64_t tiles_high() const { return (height + 1) / 2; }
  [[gnu::always_inline]] int64_t tiles_wide() const { return (width + 1) / 2; }
  [[gnu::always_inline]] int64_t tiles() const { return batch * tiles_high() * tiles_wide(); }
};
struct TileRange {
  int64_t begin = 0, end = 0;
  [[gnu::always_inline]] int64_t size() const { return end - begin; }
};

constexpr int64_t kWinogradPanel = 32;   // results' channels that are computed together
constexpr int64_t kWinogradPlaces = 16;  // of a transformed tile or filter, 4 x 4

/// Numbers of all transformed filters, [out / panel, places, in / 2, panel, 2].
constexpr int64_t winograd_filters_size(int64_t in, int64_t out) { return kWinogradPlaces * in * out; }
/// Of result o, place (i, j) and channel c at filters[o * out + i * row + j * column + c * in].
struct FilterStrides {
  int64_t out = 0, in = 0, row = 0, column = 0;
};
/// G g Gᵀ of the filters of one panel.
void transform_filters(int64_t in, int64_t panel, const Bfloat16Bits* filters, const FilterStrides& strides,
                       Bfloat16Bits* transformed);

/// Numbers of `tiles` transformed tiles of so many channels.
int64_t winograd_tiles_size(int64_t tiles, int64_t in);
/// Bᵀ d B of tiles [part.begin, part.end), which lie among those of `block` in `transformed`.
void transform_tiles(const WinogradShape& shape, const TileRange& block, const TileRange& part, const float* x,
                     Bfloat16Bits* transformed);

/// Float32 numbers that multiply_tiles() works in.
int64_t winograd_scratch_size(int64_t tiles);
/// The results of a block of transformed tiles in the channels of one panel, with their bias [out] or none.
void multiply_tiles(const WinogradShape& shape, const TileRange& block, int64_t panel, const Bfloat16Bits* tiles,
                    const Bfloat16Bits* filters, const float* bias, float* y, float* scratch);

}  // namespace lucid::diffusion
