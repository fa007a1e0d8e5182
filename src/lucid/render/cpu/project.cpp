// SPDX-License-Identifier: Apache-2.0
// Every Gaussian onto the screen, and its gradients back (per_gaussian.h), over all threads.
#include "lucid/base/parallel.h"
#include "lucid/render/cpu/frame.h"
#include "lucid/render/per_gaussian.h"

namespace lucid::render::cpu {
namespace {

constexpr int64_t kGrain = 256;

/// Sums one Gaussian's tiles in slot order, whatever the order they were computed in.
PairTotals sum_tiles(const PairGradient* pairs, uint32_t count) {
  PairTotals total;
  for (uint32_t k = 0; k < count; ++k) add_pair(pairs[k], &total);
  return total;
}

}  // namespace

void project_cloud(const CloudView<float>& cloud, CpuRasterizer::Frame* frame, BinScratch* scratch, int32_t* radii) {
  const size_t count = static_cast<size_t>(cloud.count);
  frame->splats.resize(count);
  frame->touched.resize(count);
  scratch->footprints.resize(count);
  scratch->depths.resize(count);
  parallel_for(cloud.count, kGrain, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    ScreenGaussian on_screen;
    int32_t radius;
    frame->touched[at] = 0;
    if (splat_of(frame->view, cloud, i, &on_screen, &radius)) {
      frame->touched[at] = tiles_met(on_screen.footprint);
      frame->splats[at] = on_screen.splat;
      scratch->footprints[at] = on_screen.footprint;
      scratch->depths[at] = on_screen.depth;
    }
    if (radii != nullptr) radii[i] = radius;
  });
}

void gather_gradients(const CpuRasterizer::Frame& frame, const CloudView<float>& cloud, const PairGradient* pairs,
                      const CloudGradients<float>& out) {
  parallel_for(cloud.count, kGrain, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    if (frame.touched[at] == 0) {
      write_no_gradients(i, cloud.sh_degree, out);
      return;
    }
    write_gradients(frame.view, cloud, i, frame.splats[at], sum_tiles(pairs + frame.first_slot[at], frame.touched[at]),
                    out);
  });
}

}  // namespace lucid::render::cpu
