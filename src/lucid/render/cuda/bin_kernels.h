// SPDX-License-Identifier: Apache-2.0
// CUDA kernels that build the tile lists from Gaussians in depth order. (tile, Gaussian) pairs are created nearest
// Gaussian first, so a stable sort by tile alone leaves every list nearest first. That takes a quarter of the passes of
// a sort by (tile, depth), and depths are compared in double.
#pragma once

#include "lucid/render/cuda/project_kernels.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

/// out[k] = number of tiles of the k-th nearest Gaussian.
static __global__ void __launch_bounds__(kGaussianThreads)
    touched_in_depth_order(const uint32_t* order, const uint32_t* touched, int64_t count, uint32_t* out) {
  const int64_t k = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (k < count) out[k] = touched[order[k]];
}

/// Arguments of make_pairs().
struct Pairs {
  const uint32_t* order;        // [N] indices of the Gaussians, nearest first
  const uint32_t* begin;        // [N] first pair of the k-th nearest Gaussian
  const uint32_t* touched;      // [N]
  const Footprint* footprints;  // [N]
  uint32_t* first_slot;         // [N] the same as `begin`, indexed by Gaussian
  uint32_t* tiles;              // [capacity] tile of each pair, the sort's key
  TileEntry* entries;           // [capacity]
  int64_t count, capacity;
  int tiles_x;
};

/// Writes every Gaussian's pairs. A pair's index before the sort is its slot, the index of its PairGradient in the
/// backward pass. Pairs beyond the capacity are left out.
static __global__ void __launch_bounds__(kGaussianThreads) make_pairs(Pairs p) {
  const int64_t k = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (k >= p.count) return;
  const uint32_t i = p.order[k];
  uint32_t slot = p.begin[k];
  p.first_slot[i] = slot;
  if (p.touched[i] == 0) return;
  for_each_tile_row(p.footprints[i], [&](int tile_y, int x0, int x1) {
    for (int x = x0; x < x1; ++x, ++slot) {
      if (slot >= p.capacity) continue;
      p.tiles[slot] = static_cast<uint32_t>(tile_y * p.tiles_x + x);
      p.entries[slot] = {i, slot};
    }
  });
}

/// Sets each tile's range in the sorted pairs. Keys of tile_count and more are unused places.
static __global__ void __launch_bounds__(kGaussianThreads)
    find_tile_ranges(const uint32_t* tiles, int64_t count, uint32_t tile_count, TileRange* ranges) {
  const int64_t k = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (k >= count) return;
  const uint32_t tile = tiles[k];
  if (tile >= tile_count) return;
  if (k == 0 || tiles[k - 1] != tile) ranges[tile].begin = static_cast<uint32_t>(k);
  if (k + 1 == count || tiles[k + 1] != tile) ranges[tile].end = static_cast<uint32_t>(k + 1);
}

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
