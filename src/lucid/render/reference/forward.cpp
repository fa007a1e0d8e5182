// SPDX-License-Identifier: Apache-2.0
// Reference forward pass: pixel by pixel, with one depth-sorted list of splats for the whole image.
#include <algorithm>

#include "lucid/render/reference/splats.h"

namespace lucid::render::reference {

template <class Real>
void forward(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background,
             const Images<Real>& out) {
  check_inputs(cloud, camera, background);
  const View<Real> view = make_view<Real>(camera);
  const std::vector<Splat<Real>> splats = splats_in_depth_order(cloud, view);
  if (out.radii != nullptr) {
    std::fill(out.radii, out.radii + cloud.count, 0);
    for (const auto& splat : splats) out.radii[splat.index] = int32_t(std::min(splat.projection.radius, Real(1 << 30)));
  }
  const int64_t pixels = int64_t(camera.width) * camera.height;
  std::vector<Contribution<Real>> contributions;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const Real left = pixel_contributions(splats, int(pixel % camera.width), int(pixel / camera.width), &contributions);
    Vec3<Real> rgb = left * Vec3<Real>{background[0], background[1], background[2]};
    Real depth = 0, alpha = 0;
    for (const auto& c : contributions) {
      const Real weight = blend_weight(c.alpha, c.transmittance);
      rgb = rgb + weight * c.splat->colour;
      depth += weight * c.splat->projection.point.z;
      alpha += weight;
    }
    if (out.rgb != nullptr) {
      out.rgb[pixel] = rgb.x;
      out.rgb[pixels + pixel] = rgb.y;
      out.rgb[2 * pixels + pixel] = rgb.z;
    }
    if (out.depth != nullptr) out.depth[pixel] = depth;
    if (out.alpha != nullptr) out.alpha[pixel] = alpha;
  }
}

template void forward(const CloudView<float>&, const Camera&, const std::array<float, 3>&, const Images<float>&);
template void forward(const CloudView<double>&, const Camera&, const std::array<double, 3>&, const Images<double>&);

}  // namespace lucid::render::reference
