// SPDX-License-Identifier: Apache-2.0
// State of the CPU rasteriser: a frame, which keeps a forward pass's results for its backward pass, and the scratch
// memory that all frames share.
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
  std::vector<uint32_t> touched;         // [N] number of tiles that the Gaussian's footprint intersects
  std::vector<uint32_t> first_slot;      // [N] index of its first PairGradient; it has one per touched tile
  std::vector<TileEntry> entries;        // [pairs of (tile, Gaussian)], tile by tile, nearest first
  std::vector<uint32_t> tile_begin;      // [tiles + 1] into entries
  std::vector<cpu::TileResult> results;  // [tiles]
  std::vector<cpu::TileImage> images;    // [tiles]
  CpuStatistics times;                   // only the _ms members are used

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

/// The tiles that a footprint intersects, by rows: a cache of for_each_tile_row(). Footprints with more than kMost rows
/// are rare; for them the rows are computed again.
struct TileRows {
  static constexpr int kMost = 6;
  uint16_t y0 = 0, count = 0;  // count > kMost: the rows are not stored
  uint16_t x[kMost][2] = {};   // [begin, end) of each row, tiles
};

/// Scratch memory for building the tile lists.
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

/// Calls visit(tile_y, tile_x_begin, tile_x_end) for each row of tiles that Gaussian i's footprint intersects.
template <class Visit>
void for_each_tile_row(const BinScratch& scratch, size_t i, const Visit& visit) {
  const TileRows& rows = scratch.rows[i];
  if (rows.count > TileRows::kMost) return render::for_each_tile_row(scratch.footprints[i], visit);
  for (int k = 0; k < rows.count; ++k) visit(rows.y0 + k, int(rows.x[k][0]), int(rows.x[k][1]));
}

/// Projects the cloud: fills splats and touched of the frame, footprints, rows and depths of the scratch, and radii
/// unless null.
void project_cloud(const CloudView<float>& cloud, CpuRasterizer::Frame* frame, BinScratch* scratch, int32_t* radii);

/// Sorts by depth and fills the frame's entries, tile_begin and first_slot. Throws std::length_error if there are more
/// than 2^32 (tile, Gaussian) pairs.
void build_tile_lists(CpuRasterizer::Frame* frame, BinScratch* scratch);

/// Adds up each Gaussian's sums over its tiles and applies the chain rule. `pairs` and `written` are indexed by slot;
/// pairs[slot] is valid only if written[slot] is not 0.
void gather_gradients(const CpuRasterizer::Frame& frame, const CloudView<float>& cloud, const PairGradient* pairs,
                      const uint8_t* written, const CloudGradients<float>& out);

}  // namespace cpu
}  // namespace lucid::render
