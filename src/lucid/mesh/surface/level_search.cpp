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
constexpr size_t kBands = 8;     // parts of a picture for the threads: every eighth row
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
  std::vector<int64_t> inside, outside;  // [pairs] mask and other pixels by the pair of levels
  int64_t mask = 0;

  void add(const Counts& other) {
    mask += other.mask;
    for (size_t i = 0; i < inside.size(); ++i) {
      inside[i] += other.inside[i];
      outside[i] += other.outside[i];
    }
  }
};

/// Follows the rays of about kRayPixels^2 pixels of each picture. add_ray(rays, column, row, alpha, &hits) finds the
/// pairs of levels that a pixel with that alpha counts for, as indices.
template <class AddRay>
Counts count_rays(const std::vector<const CloudPicture*>& pictures, const Lattice& lattice, size_t pairs,
                  const AddRay& add_ray) {
  std::vector<Counts> parts(pictures.size() * kBands, Counts(pairs));
  parallel_for(int64_t(parts.size()), 1, [&](int64_t i) {
    Counts& counts = parts[size_t(i)];
    const CloudPicture& picture = *pictures[size_t(i) / kBands];
    const Camera& camera = picture.camera;
    const PixelRays rays(camera, lattice);
    const int stride = std::max(1, camera.height / kRayPixels);
    for (int row = stride / 2 + int(size_t(i) % kBands) * stride; row < camera.height; row += int(kBands) * stride) {
      for (int column = stride / 2; column < camera.width; column += stride) {
        const float alpha = picture.alpha[size_t(row) * size_t(camera.width) + size_t(column)];
        counts.mask += alpha > kMaskAlpha;
        add_ray(rays, column, row, alpha, &(alpha > kMaskAlpha ? counts.inside : counts.outside));
      }
    }
  });
  Counts sum(pairs);
  for (const Counts& part : parts) sum.add(part);
  return sum;
}

double iou(int64_t both, int64_t mask, int64_t extra) {
  return double(both) / double(std::max<int64_t>(1, mask + extra));
}

}  // namespace

float lowest_density_level() { return kLowestDensity; }

Levels search_levels(const Field& density, const Field& hull, const Lattice& lattice,
                     const std::vector<const CloudPicture*>& pictures, const Levels& fixed) {
  const std::vector<float> densities = densities_to_try(fixed.density), alphas = hull_alphas_to_try(fixed.hull_alpha);
  const ActiveBlocks blocks(density, lattice, densities.front());
  // A ray counts, for each a, for the largest tau that covers it.
  const Counts sum =
      count_rays(pictures, lattice, densities.size() * alphas.size(),
                 [&](const PixelRays& rays, int column, int row, float alpha, std::vector<int64_t>* hits) {
                   if (alpha < alphas.front()) return;  // no point on the ray has a larger A
                   std::array<float, 8> largest{};      // density, for each a
                   rays.march(column, row, kStep, blocks, [&](const CellPoint& at) {
                     const float f = interpolate(density, lattice, at);
                     if (f < densities.front()) return true;
                     const float a = interpolate(hull, lattice, at);
                     for (size_t k = 0; k < alphas.size() && a >= alphas[k]; ++k) largest[k] = std::max(largest[k], f);
                     return largest[alphas.size() - 1] < densities.back();  // else all levels cover the ray
                   });
                   for (size_t k = 0; k < alphas.size(); ++k) {
                     const auto above = std::ranges::upper_bound(densities, largest[k]);
                     if (above == densities.begin()) break;
                     ++(*hits)[k * densities.size() + size_t(above - densities.begin()) - 1];
                   }
                 });
  Levels best{.density = densities.front(), .hull_alpha = alphas.front(), .iou = -1};
  for (size_t k = 0; k < alphas.size(); ++k) {
    int64_t both = 0, extra = 0;
    for (size_t t = densities.size(); t-- > 0;) {
      both += sum.inside[k * densities.size() + t];
      extra += sum.outside[k * densities.size() + t];
      const double found = iou(both, sum.mask, extra);
      if (found > best.iou) best = {.density = densities[t], .hull_alpha = alphas[k], .iou = found};
    }
  }
  return best;
}

double outline_iou(const Field& field, const Lattice& lattice, const std::vector<const CloudPicture*>& pictures) {
  const ActiveBlocks blocks(field, lattice, 1);
  const Counts sum = count_rays(pictures, lattice, 1,
                                [&](const PixelRays& rays, int column, int row, float, std::vector<int64_t>* hits) {
                                  rays.march(column, row, kStep, blocks, [&](const CellPoint& at) {
                                    if (interpolate(field, lattice, at) < 1) return true;
                                    ++hits->front();
                                    return false;
                                  });
                                });
  return iou(sum.inside.front(), sum.mask, sum.outside.front());
}

}  // namespace lucid::mesh
