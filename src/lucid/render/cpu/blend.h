// SPDX-License-Identifier: Apache-2.0
// The blend kernels' interface: one tile at a time, plain data only, so that the same source compiles per instruction
// set.
#pragma once

#include <cstdint>

#include "lucid/render/constants.h"

namespace lucid::render::cpu {

inline constexpr int kTilePixels = kTile * kTile;

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

/// A tile's pixels, row by row; columns and rows outside the image are there but never blended.
struct alignas(64) TileImage {
  float transmittance[kTilePixels];
  float red[kTilePixels], green[kTilePixels], blue[kTilePixels], depth[kTilePixels];  // background not added
};

/// dL/d of a tile's pixels, and `behind`: what all that is still to come is worth (at first, the whole pixel).
struct alignas(64) TileGradient {
  float red[kTilePixels], green[kTilePixels], blue[kTilePixels], depth[kTilePixels], alpha[kTilePixels];
  float behind[kTilePixels];
};

struct TileJob {
  const Splat* splats;
  const TileEntry* entries;  // nearest first
  int64_t count;
  int x0, y0, columns, rows;  // pixels inside the image
};

struct TileResult {
  int64_t visited;  // entries after which no pixel was left
  int64_t pairs;    // (pixel, splat) pairs blended
};

struct BlendKernels {
  const char* name;
  TileResult (*forward)(const TileJob&, TileImage*);
  void (*backward)(const TileJob&, TileGradient*, PairGradient*);
};

extern const BlendKernels kBlendPortable;
#if defined(__x86_64__)
extern const BlendKernels kBlendAvx2, kBlendAvx512;
#endif

/// The widest kernels that the machine has, no wider than LUCID_ISA says. Throws UserError if that names none.
const BlendKernels& blend_kernels();

}  // namespace lucid::render::cpu
