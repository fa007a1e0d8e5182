// SPDX-License-Identifier: Apache-2.0
// WinogradKernel: 3 x 3 convolution (stride 1, padding 1) by Winograd's minimal filtering F(n x n, 3 x 3), one instance
// for each instruction set, tile size and dtype (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks,
// 2016). A tile of n x n outputs takes (n + 2)² products for each pair of channels in place of 9 n². In float32 n = 4,
// or 2 for maps of few tiles. In bfloat16 n = 2, since larger tiles would round too much.
//
// With the transforms G, B and A of that paper, an output tile is Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, summed over the input
// channels, for a filter g [3, 3] and an input tile d [n + 2, n + 2]. The products of one element of all tiles and
// channels are a matrix product.
#pragma once

#include <cstdint>

#include "lucid/nn/kernels/kernel_range.h"
#include "lucid/nn/kernels/stored_weights.h"

namespace lucid::nn::kernels {

/// Input x [batch, height, width, in] and output y [batch, height, width, out]; x is padded with zeros. The kernel's
/// panel divides `in` and `out`. Tiles are numbered row by row, sample by sample. The last tile of a row or column may
/// reach beyond the map.
struct WinogradShape {
  int64_t batch = 0, height = 0, width = 0, in = 0, out = 0;
  int64_t tile_size = 0;  // n: outputs along a tile's side
  [[gnu::always_inline]] int64_t tiles_high() const { return (height + tile_size - 1) / tile_size; }
  [[gnu::always_inline]] int64_t tiles_wide() const { return (width + tile_size - 1) / tile_size; }
  [[gnu::always_inline]] int64_t tiles() const { return batch * tiles_high() * tiles_wide(); }
};

/// The position of a tile's first output.
struct TileOrigin {
  int64_t sample = 0, row = 0, column = 0;
};
[[gnu::always_inline]] inline TileOrigin tile_origin(const WinogradShape& shape, int64_t tile) {
  const int64_t wide = shape.tiles_wide(), per_sample = shape.tiles_high() * wide, in_sample = tile % per_sample;
  return {.sample = tile / per_sample,
          .row = shape.tile_size * (in_sample / wide),
          .column = shape.tile_size * (in_sample % wide)};
}

/// The filters of a convolution, in one of two forms.
struct WinogradFilters {
  /// G g Gᵀ, [out / panel, tile elements, in / channel_group, panel, channel_group]; or null and `weights` are set.
  const void* transformed = nullptr;
  StoredWeights weights = {};  // [out, in, 3, 3], for a kernel without a filter_transform
  bool adjoint = false;        // `weights` are [in, out, 3, 3] and are rotated by 180 degrees (the input's gradient)
};

/// The functions and sizes of one instance. Products have float32 operands, or bfloat16 ones if `bfloat16_tiles`; sums
/// are float32.
struct WinogradKernel {
  const char* name = "";
  int64_t tile_size = 0;                    // n
  const float* filter_transform = nullptr;  // G [n + 2, 3]; null: multiply_tiles transforms the filters itself
  bool bfloat16_tiles = false;
  int64_t panel = 0;          // output channels that are computed together
  int64_t channel_group = 1;  // input channels of a transformed filter that are next to each other in memory
  int64_t tile_elements() const { return (tile_size + 2) * (tile_size + 2); }
  /// Time to transform one filter, in products. 0 if multiply_tiles gets transformed filters.
  int64_t filter_transform_cost = 0;

  /// The number of tiles that is fastest to compute together.
  int64_t (*tiles_per_block)(const WinogradShape& shape) = nullptr;
  /// Threads share the tiles if each gets this many. If not, they share the output channels of the same tiles.
  int64_t min_tiles_per_thread = 0;
  /// Threads also share the output channels if the transformed filters have more elements than this: they do not stay
  /// in the cache then, and each thread should read its own part.
  int64_t max_cached_filters = INT64_MAX;

  /// Elements of `tiles` transformed tiles, in their dtype.
  int64_t (*transformed_size)(int64_t tiles, int64_t in) = nullptr;
  /// float32 elements of scratch memory for a call of multiply_tiles with so many tiles and output channels.
  int64_t (*scratch_size)(int64_t tiles, int64_t channels) = nullptr;
  /// Bᵀ d B for the tiles of `part`, written to their positions in `transformed`, which has room for all of `block`.
  void (*transform_tiles)(const WinogradShape& shape, const KernelRange& block, const KernelRange& part, const float* x,
                          void* transformed) = nullptr;
  /// Writes the outputs of the tiles of `block` in the channels of `panels`. bias [out], or null.
  void (*multiply_tiles)(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                         const void* tiles, const WinogradFilters& filters, const float* bias, float* y,
                         float* scratch) = nullptr;
};

extern const WinogradKernel kWinograd4x4Portable, kWinograd2x2Portable;
#if defined(__x86_64__)
extern const WinogradKernel kWinograd4x4Avx2, kWinograd2x2Avx2, kWinograd4x4Avx512, kWinograd2x2Avx512;
extern const WinogradKernel kWinogradBfloat16;
#endif

}  // namespace lucid::nn::kernels
