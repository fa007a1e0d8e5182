// SPDX-License-Identifier: Apache-2.0
// What one forward pass leaves behind for its backward pass, and the scratch memory that all frames share.
#pragma once

#include <memory>
#include <vector>

#include "lucid/render/cpu/blend.h"
#include "lucid/render/kernel_math.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {

class CpuRasterizer::Frame {
 public:
  View<double> view;
  std::array<float, 3> background{};
  int width = 0, height = 0;
  int64_t count = -1;  // Gaussians; -1 = no forward yet
  int sh_degree = 0;
  std::vector<cpu::Splat> splats;        // [N]; unset where touched is 0
  std::vector<uint32_t> touched;         // [N] tiles the Gaussian may be seen in
  std::vector<uint32_t> first_slot;      // [N] its first PairGradient; one per touched tile
  std::vector<cpu::TileEntry> entries;   // [pairs of (tile, Gaussian)], tile by tile, nearest first
  std::vector<uint32_t> tile_begin;      // [tiles + 1] into entries
  std::vector<cpu::TileResult> results;  // [tiles]
  std::vector<cpu::TileImage> images;    // [tiles]

  int64_t tiles() const { return int64_t(view.tiles_x) * view.tiles_y; }
  cpu::TileJob job(int64_t tile) const {
    const int x0 = int(tile % view.tiles_x) * kTile, y0 = int(tile / view.tiles_x) * kTile;
    return {splats.data(),
            entries.data() + tile_begin[static_cast<size_t>(tile)],
            int64_t(tile_begin[static_cast<size_t>(tile) + 1]) - tile_begin[static_cast<size_t>(tile)],
            x0,
            y0,
            width - x0 < kTile ? width - x0 : kTile,
            height - y0 < kTile ? height - y0 : kTile};
  }
};

namespace cpu {

/// The screen ellipse alpha >= kAlphaCut, as finding the tiles it meets needs it.
struct Footprint {
  TileRect rect;           // never beyond
  float x, y;              // centre, pixels
  float reach_x, reach_y;  // half its bounding box
  float slope;             // dx/dy of the line through the middles of its rows
  float half_row;          // half width of the row through the centre
  float tip_dy;            // dy of its rightmost point
};

/// The tiles that a footprint meets, row by row: found once and then walked twice. A splat with more rows is
/// rare; its footprint is walked anew.
struct TileRows {
  static constexpr int kMost = 6;
  uint16_t y0 = 0, count = 0;  // count > kMost: look at the footprint
  uint16_t x[kMost][2] = {};   // [begin, end) of each row, tiles
};

/// What building tile lists needs of each Gaussian; memory only.
struct BinScratch {
  std::vector<Footprint> footprints;  // [N]
  std::vector<TileRows> rows;         // [N]
  std::vector<double> depths;         // [N]
  struct Key {
    uint32_t depth_bits, index;
  };
  std::vector<Key> order, spare;    // visible Gaussians, nearest first
  std::vector<uint32_t> histogram;  // [chunks, tiles]
};

/// Calls visit(tile_y, tile_x_begin, tile_x_end) for each row of tiles that the footprint meets.
template <class Visit>
void for_each_tile_row(const Footprint& f, const Visit& visit);

/// The same of Gaussian i, once `rows` are known.
template <class Visit>
void for_each_tile_row(const BinScratch& scratch, size_t i, const Visit& visit) {
  const TileRows& rows = scratch.rows[i];
  if (rows.count > TileRows::kMost) return for_each_tile_row(scratch.footprints[i], visit);
  for (int k = 0; k < rows.count; ++k) visit(rows.y0 + k, int(rows.x[k][0]), int(rows.x[k][1]));
}

/// Fills splats, touched, footprints, rows and depths of the frame's cloud; radii unless null.
void project_cloud(const CloudView<float>& cloud, CpuRasterizer::Frame* frame, BinScratch* scratch, int32_t* radii);

/// Fills entries, tile_begin and first_slot from the rows.
void build_tile_lists(CpuRasterizer::Frame* frame, BinScratch* scratch);

/// The chain rule of each Gaussian from its tiles' sums; `pairs` by slot, which count where
/// `written` says so.
void gather_gradients(const CpuRasterizer::Frame& frame, const CloudView<float>& cloud, const PairGradient* pairs,
                      const uint8_t* written, const CloudGradients<float>& out);

template <class Visit>
void for_each_tile_row(const Footprint& f, const Visit& visit) {
  const float slack = 0.01f + 1e-5f * (f.reach_x + f.reach_y);  // rounding may add a tile, never lose one
  for (int tile_y = f.rect.y0; tile_y < f.rect.y1; ++tile_y) {
    const float top = float(tile_y * kTile) - f.y, bottom = top + float(kTile - 1);
    const float a = top > -f.reach_y ? top : -f.reach_y, b = bottom < f.reach_y ? bottom : f.reach_y;
    if (a > b + slack) continue;
    const auto edge = [&](float tip, float side) {  // how far the ellipse reaches to `side` within rows [a, b]
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

}  // namespace cpu
}  // namespace lucid::render
