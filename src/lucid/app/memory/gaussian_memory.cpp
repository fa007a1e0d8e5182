// SPDX-License-Identifier: Apache-2.0
// Counts the numbers that a step holds for each Gaussian and for each pixel of a view.
#include "lucid/app/memory/gaussian_memory.h"

#include "lucid/math/sh.h"
#include "lucid/render/splat.h"

namespace lucid::app {
namespace {

constexpr double kNumber = 4, kIndex = 4;

}  // namespace

double bytes_per_gaussian(const RenderShape& shape) {
  const double sh = 3.0 * sh_count(static_cast<int>(shape.sh_degree)), views = static_cast<double>(shape.views);
  const double parameters = 3 + sh + 1 + 3 + 4;  // means, SH, opacity, scales, quaternion
  constexpr double kSums = 3, kFilter = 1, kScreen = 2;
  const double model = 3 * parameters + kSums + kFilter;  // with both moments
  const double gradient = parameters + kScreen;
  const double own_sh = shape.sh_degree > 0 ? sh : 0;  // of degree 0 is the parameters' own memory
  const double activated = 3 + 3 + 1 + own_sh;         // scales, their noise, opacity
  const double of_view = activated + 1 + kScreen;      // radius and screen gradient
  constexpr double kLong = 8, kRowIndices = 4;
  const double densified = 2 * parameters + kRowIndices * kLong / kNumber;  // rows gathered anew, from where
  // The rasteriser: a frame for each view; what it projects and sorts with; the gradient sums of one view's tiles.
  constexpr double kTiles = 3;  // that a Gaussian meets, on average
  constexpr double kFrame = sizeof(render::Splat) + 2 * kIndex + kTiles * sizeof(render::TileEntry);
  constexpr double kFootprint = 44, kRows = 28, kDepth = 8, kKeys = 16;
  constexpr double kScratch = kFootprint + kRows + kDepth + kKeys + kTiles * (sizeof(render::PairGradient) + 1);
  return kNumber * (model + gradient + views * of_view + densified) + views * kFrame + kScratch;
}

double picture_bytes(const RenderShape& shape) {
  // Colour, depth, alpha, each as rendered, as a leaf, and as the rasteriser's tiles; disparity; what the encoder sees,
  // before and behind the mirror, and its gradient.
  constexpr double kNumbers = 3 * 5 + 1 + 3 * 3;
  return kNumber * kNumbers * static_cast<double>(shape.views * shape.pixels);
}

}  // namespace lucid::app
