// SPDX-License-Identifier: Apache-2.0
// From Gaussians in depth order to a list for each tile. Pairs are made nearest Gaussian first; a stable sort by tile
// alone then leaves every list nearest first, at a quarter of the passes that sorting (tile, depth) takes, and with the
// depths compared in double.
#pragma once

#include "lucid/render/cuda/project_kernels.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

static __global__ void __launch_bounds__(kGaussianThreads)
    touched_in_depth_order(const uint32_t* order, const uint32_t* touched, int64_t count, uint32_t* out) {
  const int64_t k = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (k < count) out[k] = touched[order[k]];
}

struct Pairs {
  const uint32_t* order;        // [N] nearest first
  const uint32_t* begin;        // [N] where the k-th nearest's pairs begin
  const uint32_t* touched;      // [N]
  const Footprint* footprints;  // [N]
  uint32_t* first_slot;         // [N] `begin` by Gaussian
  uint32_t* tiles;              // [capacity] the sort's key
  TileEntry* entries;           // [capacity]
  int64_t count, capacity;
  int tiles_x;
};

/// A pair's place before the sort is its slot: where its sums will go in the backward pass.
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

/// Where each tile's entries begin and end in the sorted pairs; keys from `tile_count` on are places left over.
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
