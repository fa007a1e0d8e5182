// SPDX-License-Identifier: Apache-2.0
// Interface of the CPU blend kernels: one tile per call, plain data only. The kernels' source, blend_body.h, is
// compiled once for each instruction set.
#pragma once

#include <cstdint>

#include "lucid/render/splat.h"

namespace lucid::render::cpu {

inline constexpr int kTilePixels = kTile * kTile;

/// A tile's pixels, row by row. Pixels outside the image are present but never blended.
struct alignas(64) TileImage {
  float transmittance[kTilePixels];
  float red[kTilePixels], green[kTilePixels], blue[kTilePixels], depth[kTilePixels];  // background not added
};

/// dL/d of a tile's pixels, and `behind`: the sum of weight * value [12] over everything from the current splat on; at
/// first, over the whole pixel.
struct alignas(64) TileGradient {
  float red[kTilePixels], green[kTilePixels], blue[kTilePixels], depth[kTilePixels], alpha[kTilePixels];
  float behind[kTilePixels];
};

/// One tile's input.
struct TileJob {
  const Splat* splats;
  const TileEntry* entries;  // nearest first
  int64_t count;
  int x0, y0;         // first pixel
  int columns, rows;  // pixels of the tile that are inside the image
};

struct TileResult {
  int64_t visited;  // entries processed until all pixels had stopped
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

/// The kernels for widest_isa(). Throws UserError if LUCID_ISA holds an unknown name.
const BlendKernels& blend_kernels();

}  // namespace lucid::render::cpu
