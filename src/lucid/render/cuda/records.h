// SPDX-License-Identifier: Apache-2.0
// Records in device memory that the CUDA kernels pass to each other and to the host.
#pragma once

#include <cstdint>

#include "lucid/render/constants.h"
#include "lucid/render/splat.h"

namespace lucid::render::cuda {

inline constexpr int kTileThreads = kTile * kTile;

/// A forward pass's report to the host.
struct Report {
  unsigned long long first_not_finite;  // kAllFinite, or pack_not_finite() of errors.h
  unsigned long long pairs;             // number of (tile, Gaussian) pairs
  unsigned long long blended;           // number of blended (pixel, Gaussian) pairs
};

struct TileRange {  // a tile's entries [begin, end) in the sorted list
  uint32_t begin, end;
};

/// The saved state of a tile's pixels, in the order of the threads that blend them; without the background.
struct TilePixels {
  float transmittance[kTileThreads];
  float red[kTileThreads], green[kTileThreads], blue[kTileThreads], depth[kTileThreads];
  uint32_t last[kTileThreads];  // 1 + index in the tile's list of the last entry that the pixel blended; 0 = none
};

}  // namespace lucid::render::cuda
