// SPDX-License-Identifier: Apache-2.0
// A convolution of 3 x 3 by Winograd's minimal filtering F(n x n, 3 x 3) (Lavin and Gray, Fast Algorithms for
// Convolutional Neural Networks, 2016): a tile of n x n results takes (n + 2)² products a pair of channels in place of
// 9 n². n = 2 in bfloat16, which larger tiles would round too much; in float32 n = 4, or 2 for maps of few tiles.
#pragma once

#include <cstdint>

#include "lucid/nn/kernels/kernel_range.h"
#include "lucid/nn/kernels/stored_weights.h"

namespace lucid::nn::kernels {

/// x [batch, height, width, in] and y [batch, height, width, out], zeros around x; in and out multiples of the kernel's
/// panel. Tiles are numbered row by row, sample by sample; those at the far edges may reach beyond them.
struct WinogradShape {
  int64_t batch = 0, height = 0, width = 0, in = 0, out = 0;
  int64_t side = 0;  // of a tile, in results
  [[gnu::always_inline]] int64_t tiles_high() const { return (height + side - 1) / side; }
  [[gnu::always_inline]] int64_t tiles_wide() const { return (width + side - 1) / side; }
  [[gnu::always_inline]] int64_t tiles() const { return batch * tiles_high() * tiles_wide(); }
};

/// The first result of a tile.
struct WinogradPlace {
  int64_t sample = 0, row = 0, column = 0;
};
[[gnu::always_inline]] inline WinogradPlace place_of_tile(const WinogradShape& shape, int64_t tile) {
  const int64_t wide = shape.tiles_wide(), of_sample = shape.tiles_high() * wide, in_sample = tile % of_sample;
  return {
      .sample = tile / of_sample, .row = shape.side * (in_sample / wide), .column = shape.side * (in_sample % wide)};
}

/// What tiles are multiplied with.
struct FilterNumbers {
  const void* transformed = nullptr;  // [out / panel, places, in / together, panel, together]
  StoredWeights weights = {};         // or, for a kernel that transforms them itself, [out, in, 3, 3];
  bool turned = false;                // these turned by 180 degrees, and [in, out, 3, 3]: for a gradient
};

/// How one instruction set does it. A transformed tile or filter has places() numbers a channel; those that are
/// multiplied are float32, or bfloat16 where `rounds`.
struct WinogradKernel {
  const char* name = "";
  int64_t side = 0;                   // of a tile, in results: n
  const float* of_filters = nullptr;  // G [n + 2, 3]: a filter g becomes G g Gᵀ; none if it transforms them itself
  bool rounds = false;
  int64_t panel = 0;     // results' channels that are computed together
  int64_t together = 1;  // a filter's channels that lie side by side
  int64_t places() const { return (side + 2) * (side + 2); }
  int64_t products_of_filter = 0;  // transforming one takes as long, where the kernel does it

  /// Tiles that are best computed together.
  int64_t (*tiles_of_block)(const WinogradShape& shape) = nullptr;
  /// With fewer tiles a thread than the one, and where filters have more numbers than the other, so that they come from
  /// memory, all threads should rather compute the same tiles, each some channels.
  int64_t tiles_of_thread = 0, near_filters = INT64_MAX;

  /// Numbers of so many transformed tiles; float32 numbers that multiply_tiles works in, for so many channels.
  int64_t (*tiles_size)(int64_t tiles, int64_t in) = nullptr;
  int64_t (*scratch_size)(int64_t tiles, int64_t channels) = nullptr;
  /// Bᵀ d B of the tiles of `part`, which lie among those of `block` in `transformed`.
  void (*transform_tiles)(const WinogradShape& shape, const KernelRange& block, const KernelRange& part, const float* x,
                          void* transformed) = nullptr;
  /// The results of a block of transformed tiles in the channels of some panels, with their bias [out] or none.
  void (*multiply_tiles)(const WinogradShape& shape, const KernelRange& block, const KernelRange& panels,
                         const void* tiles, const FilterNumbers& filters, const float* bias, float* y,
                         float* scratch) = nullptr;
};

extern const WinogradKernel kWinogradPortable, kWinogradOfFewPortable;
#if defined(__x86_64__)
extern const WinogradKernel kWinogradAvx2, kWinogradOfFewAvx2, kWinogradAvx512, kWinogradOfFewAvx512;
extern const WinogradKernel kWinogradBfloat16;
#endif

}  // namespace lucid::nn::kernels
