// SPDX-License-Identifier: Apache-2.0
// Outlines of all pairs of levels from one pass over the rays.
#include "lucid/mesh/surface/level_search.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lucid/base/parallel.h"
#include "lucid/mesh/surface/rays.h"

namespace lucid::mesh {
namespace {

constexpr float kLowestDensity = 0.03f, kDensityRatio = 1.12f;
constexpr size_t kDensities = 32;  // the last one is near 1
constexpr float kMaskAlpha = 0.5f;
constexpr int kRayPixels = 256;  // rays along a picture's side, at most
constexpr float kStep = 0.7f;    // of the spacing

std::vector<float> densities_to_try(float fixed) {
  if (fixed > 0) return {fixed};
  std::vector<float> result;
  for (size_t i = 0; i < kDensities; ++i) result.push_back(kLowestDensity * std::pow(kDensityRatio, float(i)));
  return result;
}

std::vector<float> hull_alphas_to_try(float fixed) {
  if (fixed > 0) return {fixed};
  return {0.2f, 0.25f, 0.3f, 0.35f, 0.4f, 0.45f, 0.5f};
}

/// Pixels by their mask and by the levels that cover them.
struct Counts {
  explicit Counts(size_t pairs) : inside(pairs, 0), outside(pairs, 0) {}
  std::vector<int64_t> inside, outside;  // [a, tau] mask and other pixels covered at tau, but not at the next tau
  int64_t mask = 0;
};

}  // namespace

float lowest_density_level() { return kLowestDensity; }

Levels search_levels(const Field& density, const Field& hull, const Lattice& lattice,
                     const std::vector<const CloudPicture*>& pictures, const Levels& fixed) {
  const std::vector<float> densities = densities_to_try(fixed.density), alphas = hull_alphas_to_try(fixed.hull_alpha);
  const ActiveBlocks blocks(density, lattice, densities.front());
  const size_t pairs = densities.size() * alphas.size();
  Counts sum(pairs);
  for (const CloudPicture* picture : pictures) {
    const Camera& camera = picture->camera;
    const PixelRays rays(camera, lattice);
    const int stride = std::max(1, camera.height / kRayPixels);
    std::vector<Counts> rows(size_t(camera.height / stride), Counts(pairs));
    parallel_for(int64_t(rows.size()), 4, [&](int64_t i) {
      Counts& counts = rows[size_t(i)];
      const int row = int(i) * stride + stride / 2;
      for (int column = stride / 2; column < camera.width; column += stride) {
        const float alpha = picture->alpha[size_t(row) * size_t(camera.width) + size_t(column)];
        counts.mask += alpha > kMaskAlpha;
        if (alpha < alphas.front()) continue;  // no point on the ray has a larger A
        std::array<float, 8> largest{};        // density, for each a
        rays.march(column, row, kStep, blocks, [&](const CellPoint& at) {
          const float f = interpolate(density, lattice, at);
          if (f < densities.front()) return;
          const float a = interpolate(hull, lattice, at);
          for (size_t k = 0; k < alphas.size() && a >= alphas[k]; ++k) largest[k] = std::max(largest[k], f);
        });
        for (size_t k = 0; k < alphas.size(); ++k) {
          const auto above = std::ranges::upper_bound(densities, largest[k]);
          if (above == densities.begin()) break;
          const size_t pair = k * densities.size() + size_t(above - densities.begin()) - 1;
          ++(alpha > kMaskAlpha ? counts.inside : counts.outside)[pair];
        }
      }
    });
    for (const Counts& counts : rows) {
      sum.mask += counts.mask;
      for (size_t i = 0; i < pairs; ++i) {
        sum.inside[i] += counts.inside[i];
        sum.outside[i] += counts.outside[i];
      }
    }
  }
  Levels best{.density = densities.front(), .hull_alpha = alphas.front(), .iou = -1};
  for (size_t k = 0; k < alphas.size(); ++k) {
    int64_t both = 0, extra = 0;
    for (size_t t = densities.size(); t-- > 0;) {
      both += sum.inside[k * densities.size() + t];
      extra += sum.outside[k * densities.size() + t];
      const double iou = double(both) / double(std::max<int64_t>(1, sum.mask + extra));
      if (iou > best.iou) best = {.density = densities[t], .hull_alpha = alphas[k], .iou = iou};
    }
  }
  return best;
}

}  // namespace lucid::mesh
