// SPDX-License-Identifier: Apache-2.0
// Projection of the cloud and the blending rules of one pixel, written for readability, not for speed.
#include "lucid/render/reference/splats.h"

#include <algorithm>

namespace lucid::render::reference {

template <class Real>
std::vector<Splat<Real>> splats_in_depth_order(const CloudView<Real>& cloud, const View<Real>& view) {
  std::vector<Splat<Real>> splats;
  const int64_t sh_stride = 3 * sh_count(cloud.sh_degree);
  for (int64_t i = 0; i < cloud.count; ++i) {
    Splat<Real> splat;
    splat.index = i;
    const Vec3<Real> mean = load3(cloud.means, i);
    const Quat<Real> quat{cloud.quats[4 * i], cloud.quats[4 * i + 1], cloud.quats[4 * i + 2], cloud.quats[4 * i + 3]};
    if (!project(view, mean, load3(cloud.scales, i), quat, &splat.projection)) continue;
    splat.rect = tile_rect(view, splat.projection.mean, splat.projection.radius);
    if (splat.rect.empty()) continue;
    splat.shape = falloff(splat.projection.cov, splat.projection.det);
    Real distance = 0;
    splat.colour = sh_colour(cloud.sh_degree, normalized(mean - view.position, &distance), cloud.sh + i * sh_stride);
    splat.opacity = cloud.opacities[i] * (cloud.filter == Filter::kMip ? mip_fade(splat.projection) : 1);
    splats.push_back(splat);
  }
  std::stable_sort(splats.begin(), splats.end(),
                   [](const auto& a, const auto& b) { return a.projection.point.z < b.projection.point.z; });
  return splats;
}

template <class Real>
Real pixel_contributions(const std::vector<Splat<Real>>& splats, int column, int row,
                         std::vector<Contribution<Real>>* out) {
  out->clear();
  const int tile_x = column / kTile, tile_y = row / kTile;
  Real transmittance = 1;
  for (const Splat<Real>& splat : splats) {
    const TileRect& rect = splat.rect;
    if (tile_x < rect.x0 || tile_x >= rect.x1 || tile_y < rect.y0 || tile_y >= rect.y1) continue;
    const Real dx = Real(column) - splat.projection.mean.x, dy = Real(row) - splat.projection.mean.y;
    const Real t = splat.shape.tx * dx + splat.shape.ty * dy, r = splat.shape.ry * dy;
    const Real peak = splat.opacity * std::exp(-(t * t + r * r));
    const Real alpha = std::min(Real(kAlphaMax), peak);
    if (alpha < Real(kAlphaCut)) continue;
    const Real after = transmittance - blend_weight(alpha, transmittance);
    if (after < Real(kTransmittanceStop)) break;
    out->push_back({&splat, dx, dy, alpha, transmittance, peak > Real(kAlphaMax)});
    transmittance = after;
  }
  return transmittance;
}

template std::vector<Splat<float>> splats_in_depth_order(const CloudView<float>&, const View<float>&);
template std::vector<Splat<double>> splats_in_depth_order(const CloudView<double>&, const View<double>&);
template float pixel_contributions(const std::vector<Splat<float>>&, int, int, std::vector<Contribution<float>>*);
template double pixel_contributions(const std::vector<Splat<double>>&, int, int, std::vector<Contribution<double>>*);

}  // namespace lucid::render::reference
