// SPDX-License-Identifier: Apache-2.0
// Records that the tiled backends pass between their steps: projected splats, tile list entries, gradient sums. Plain
// data without code, so files for any instruction set or device can include it.
#pragma once

#include <cstdint>

#include "lucid/render/constants.h"

namespace lucid::render {

/// Exponents are stored in base 2. log2(e), its square root, and log2(kAlphaCut).
inline constexpr double kLog2E = 1.4426950408889634;
inline constexpr double kSqrtLog2E = 1.2011224087864498;
inline constexpr float kLog2AlphaCut = -7.994353436858858f;

/// One projected Gaussian as pixels evaluate it: log2(alpha) = log2_opacity - (tx dx + ty dy)^2 - (ry dy)^2.
struct alignas(16) Splat {
  float x, y;        // mean, pixels
  float tx, ty, ry;  // Falloff times kSqrtLog2E
  float log2_opacity;
  float red, green, blue, depth;
  float unused[2];
};

/// One element of a tile's list.
struct TileEntry {
  uint32_t splat;  // index of the Gaussian
  uint32_t slot;   // index of this (tile, Gaussian) pair's PairGradient
};

/// One splat's gradient sums over the pixels of one tile.
struct alignas(16) PairGradient {
  float red, green, blue, depth;  // dL/d(colour, depth)
  float g, t, y, tt, ty, yy;      // Moments of kernel_math.h, t in the scale of Splat
  float unused[2];
};

}  // namespace lucid::render
