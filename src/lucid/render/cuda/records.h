// SPDX-License-Identifier: Apache-2.0
// What the kernels leave in device memory for each other and for the host.
#pragma once

#include <cstdint>

#include "lucid/render/constants.h"
#include "lucid/render/splat.h"

namespace lucid::render::cuda {

inline constexpr int kTileThreads = kTile * kTile;

/// What a forward pass tells the host, and the two numbers that it counts in it.
struct Report {
  unsigned long long first_not_finite;  // kAllFinite, or see refusals.h
  unsigned long long pairs;             // of Gaussian and tile
  unsigned long long blended;           // (pixel, Gaussian) pairs
};

struct TileRange {  // into the sorted entries, half open
  uint32_t begin, end;
};

/// A tile's pixels in the order of the threads that blend them; the background is not added.
struct TilePixels {
  float transmittance[kTileThreads];
  float red[kTileThreads], green[kTileThreads], blue[kTileThreads], depth[kTileThreads];
  uint32_t last[kTileThreads];  // one more than the tile's entry that the pixel blended last
};

}  // namespace lucid::render::cuda
