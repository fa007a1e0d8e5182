// SPDX-License-Identifier: Apache-2.0
// Footprint: the tiles in which a Gaussian is visible, that is the tiles of equation [7] (docs/dev/rasteriser.md) that
// its ellipse alpha >= kAlphaCut intersects. Host and device.
#pragma once

#include <cstdint>

#include "lucid/render/kernel_math.h"

namespace lucid::render {

/// The screen ellipse alpha >= kAlphaCut, in the form that the search for intersected tiles needs.
struct Footprint {
  TileRect rect;           // [7]; no tile outside it counts
  float x, y;              // centre, pixels
  float reach_x, reach_y;  // half size of the ellipse's bounding box
  float slope;             // dx/dy of the line through the midpoints of the ellipse's horizontal chords
  float half_row;          // half length of the chord through the centre
  float tip_dy;            // dy of the rightmost point
};

/// `squared_reach` is the squared Mahalanobis radius of the ellipse.
LUCID_INLINE Footprint footprint(const Projection<double>& p, const TileRect& rect, double squared_reach) {
  Footprint f;
  f.rect = rect;
  f.x = float(p.mean.x);
  f.y = float(p.mean.y);
  f.reach_x = std::sqrt(float(squared_reach * p.cov.xx));
  f.reach_y = std::sqrt(float(squared_reach * p.cov.yy));
  f.slope = float(p.cov.xy / p.cov.yy);
  f.half_row = std::sqrt(float(squared_reach * p.det / p.cov.yy));
  f.tip_dy = float(p.cov.xy / p.cov.xx) * f.reach_x;
  return f;
}

/// Calls visit(tile_y, tile_x_begin, tile_x_end) for each row of tiles that the footprint intersects.
template <class Visit>
LUCID_INLINE void for_each_tile_row(const Footprint& f, const Visit& visit) {
  const float slack = 0.01f + 1e-5f * (f.reach_x + f.reach_y);  // rounding may add a tile but never lose one
  for (int tile_y = f.rect.y0; tile_y < f.rect.y1; ++tile_y) {
    const float top = float(tile_y * kTile) - f.y, bottom = top + float(kTile - 1);
    const float a = top > -f.reach_y ? top : -f.reach_y, b = bottom < f.reach_y ? bottom : f.reach_y;
    if (a > b + slack) continue;
    const auto edge = [&](float tip, float side) {  // extreme x on one side (-1 or +1) within the rows dy in [a, b]
      if (tip >= a && tip <= b) return side * f.reach_x;
      const float dy = tip < a ? a : b, ratio = dy / f.reach_y;
      const float inside = 1 - ratio * ratio;
      return f.slope * dy + side * f.half_row * std::sqrt(inside > 0 ? inside : 0.0f);
    };
    const float left = f.x + edge(-f.tip_dy, -1) - slack, right = f.x + edge(f.tip_dy, 1) + slack;
    const float last_x = float(f.rect.x1 * kTile);
    if (right < float(f.rect.x0 * kTile) || left >= last_x) continue;
    const int first = left > 0 ? int(std::ceil(left)) / kTile : 0;
    const int end = right < last_x ? int(right) / kTile + 1 : f.rect.x1;
    const int x0 = first > f.rect.x0 ? first : f.rect.x0, x1 = end < f.rect.x1 ? end : f.rect.x1;
    if (x0 < x1) visit(tile_y, x0, x1);
  }
}

/// The number of tiles that the footprint intersects.
LUCID_INLINE uint32_t tiles_met(const Footprint& f) {
  uint32_t tiles = 0;
  for_each_tile_row(f, [&](int, int x0, int x1) { tiles += static_cast<uint32_t>(x1 - x0); });
  return tiles;
}

}  // namespace lucid::render
