// SPDX-License-Identifier: Apache-2.0
// Multithreaded loops over the Gaussians: projection to splats, and the gradients of the parameters (per_gaussian.h).
#include "lucid/base/parallel.h"
#include "lucid/render/cpu/frame.h"
#include "lucid/render/per_gaussian.h"

namespace lucid::render::cpu {
namespace {

constexpr int64_t kGrain = 256;

/// Stores the tiles that the footprint intersects in *rows and returns their number.
uint32_t tiles_met(const Footprint& f, TileRows* rows) {
  uint32_t tiles = 0;
  int first = 0, count = 0;
  render::for_each_tile_row(f, [&](int y, int x0, int x1) {
    if (count == 0) first = y;
    for (int row = count; row <= y - first && row < TileRows::kMost; ++row) {  // skipped rows are stored as empty
      rows->x[row][0] = static_cast<uint16_t>(row < y - first ? 0 : x0);
      rows->x[row][1] = static_cast<uint16_t>(row < y - first ? 0 : x1);
    }
    count = y - first + 1;
    tiles += static_cast<uint32_t>(x1 - x0);
  });
  const bool fits = count <= TileRows::kMost && first + count <= 0xFFFF && f.rect.x1 <= 0xFFFF;
  rows->y0 = static_cast<uint16_t>(fits ? first : 0);
  rows->count = static_cast<uint16_t>(fits ? count : TileRows::kMost + 1);
  return tiles;
}

/// Sums one Gaussian's pairs in slot order, which makes the result independent of the threads. A pair is not written if
/// all pixels of its tile had stopped before it.
PairTotals sum_tiles(const PairGradient* pairs, const uint8_t* written, uint32_t count) {
  PairTotals total;
  for (uint32_t k = 0; k < count; ++k) {
    if (written[k] != 0) add_pair(pairs[k], &total);
  }
  return total;
}

}  // namespace

void project_cloud(const CloudView<float>& cloud, CpuRasterizer::Frame* frame, BinScratch* scratch, int32_t* radii) {
  const size_t count = static_cast<size_t>(cloud.count);
  frame->splats.resize(count);
  frame->touched.resize(count);
  scratch->footprints.resize(count);
  scratch->rows.resize(count);
  scratch->depths.resize(count);
  parallel_for(cloud.count, kGrain, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    ScreenGaussian on_screen;
    int32_t radius;
    frame->touched[at] = 0;
    if (splat_of(frame->view, cloud, i, &on_screen, &radius)) {
      frame->touched[at] = tiles_met(on_screen.footprint, &scratch->rows[at]);
      frame->splats[at] = on_screen.splat;
      scratch->footprints[at] = on_screen.footprint;
      scratch->depths[at] = on_screen.depth;
    }
    if (radii != nullptr) radii[i] = radius;
  });
}

void gather_gradients(const CpuRasterizer::Frame& frame, const CloudView<float>& cloud, const PairGradient* pairs,
                      const uint8_t* written, const CloudGradients<float>& out) {
  parallel_for(cloud.count, kGrain, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    if (frame.touched[at] == 0) {
      write_zero_gradients(i, cloud.sh_degree, out);
      return;
    }
    const uint32_t slot = frame.first_slot[at];
    write_gradients(frame.view, cloud, i, frame.splats[at], sum_tiles(pairs + slot, written + slot, frame.touched[at]),
                    out);
  });
}

}  // namespace lucid::render::cpu
