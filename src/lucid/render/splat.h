// SPDX-License-Identifier: Apache-2.0
// What the tiled backends pass between their steps; plain data, so that every instruction set and device may include
// it.
#pragma once

#include <cstdint>

#include "lucid/render/constants.h"

namespace lucid::render {

/// Exponents are kept in base 2: log2(e), its root, and log2(kAlphaCut).
inline constexpr double kLog2E = 1.4426950408889634;
inline constexpr double kSqrtLog2E = 1.2011224087864498;
inline constexpr float kLog2AlphaCut = -7.994353436858858f;

/// What a pixel needs of one Gaussian; log2(alpha) = log2_opacity - (tx dx + ty dy)^2 - (ry dy)^2.
struct alignas(16) Splat {
  float x, y;        // mean, pixels
  float tx, ty, ry;  // Falloff times kSqrtLog2E
  float log2_opacity;
  float red, green, blue, depth;
  float unused[2];
};

struct TileEntry {
  uint32_t splat;
  uint32_t slot;  // where its PairGradient goes
};

/// One splat's gradient sums over one tile.
struct alignas(16) PairGradient {
  float red, green, blue, depth;  // dL/d(colour, depth)
  float g, t, y, tt, ty, yy;      // Moments, t in the scale of Splat
  float unused[2];
};

}  // namespace lucid::render
