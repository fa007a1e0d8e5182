// SPDX-License-Identifier: Apache-2.0
// What one forward pass leaves behind for its backward pass, and the scratch memory that all frames share.
#pragma once

#include <memory>
#include <vector>

#include "lucid/render/cpu/blend.h"
#include "lucid/render/footprint.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {

class CpuRasterizer::Frame {
 public:
  View<double> view;
  std::array<float, 3> background{};
  int width = 0, height = 0;
  int64_t count = -1;  // Gaussians; -1 = no forward yet
  int sh_degree = 0;
  std::vector<Splat> splats;             // [N]; unset where touched is 0
  std::vector<uint32_t> touched;         // [N] tiles the Gaussian may be seen in
  std::vector<uint32_t> first_slot;      // [N] its first PairGradient; one per touched tile
  std::vector<TileEntry> entries;        // [pairs of (tile, Gaussian)], tile by tile, nearest first
  std::vector<uint32_t> tile_begin;      // [tiles + 1] into entries
  std::vector<cpu::TileResult> results;  // [tiles]
  std::vector<cpu::TileImage> images;    // [tiles]
  CpuStatistics times;                   // only those

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

/// The tiles that a footprint meets, row by row: found once and then walked twice. A splat with more rows is rare; its
/// footprint is walked anew.
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

/// Calls visit(tile_y, tile_x_begin, tile_x_end) for each row of tiles that Gaussian i meets.
template <class Visit>
void for_each_tile_row(const BinScratch& scratch, size_t i, const Visit& visit) {
  const TileRows& rows = scratch.rows[i];
  if (rows.count > TileRows::kMost) return render::for_each_tile_row(scratch.footprints[i], visit);
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

}  // namespace cpu
}  // namespace lucid::render
