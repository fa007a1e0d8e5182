// SPDX-License-Identifier: Apache-2.0
// Reference backward pass: each pixel's contributions from back to front, then the chain rule of each Gaussian.
#include <algorithm>

#include "lucid/render/reference/splats.h"

namespace lucid::render::reference {
namespace {

template <class Real>
struct SplatGradient {
  Moments<Real> moments;
  Vec3<Real> colour;
  Real depth = 0;
};

template <class Real>
struct PixelGradient {  // dL/d of one pixel's colour, depth and alpha
  Vec3<Real> rgb;
  Real depth = 0, alpha = 0;
};

/// [12]-[14] for one pixel. `behind` is the sum of weight * value over everything behind the current splat; it starts
/// with the background's part.
template <class Real>
void pixel_adjoint(const std::vector<Contribution<Real>>& contributions, const PixelGradient<Real>& d, Real behind,
                   const Splat<Real>* first, std::vector<SplatGradient<Real>>* gradients) {
  for (auto c = contributions.rbegin(); c != contributions.rend(); ++c) {
    const Splat<Real>& splat = *c->splat;
    SplatGradient<Real>& out = (*gradients)[static_cast<size_t>(&splat - first)];
    const Real weight = blend_weight(c->alpha, c->transmittance);
    const Real value = dot(d.rgb, splat.colour) + d.depth * splat.projection.point.z + d.alpha;
    out.colour = out.colour + weight * d.rgb;
    out.depth += weight * d.depth;
    if (!c->clamped) {
      const Real g = c->alpha * blend_adjoint(c->alpha, c->transmittance, value, behind);
      const Real t = splat.shape.tx * c->dx + splat.shape.ty * c->dy;
      out.moments.g += g;
      out.moments.t += g * t;
      out.moments.y += g * c->dy;
      out.moments.tt += g * t * t;
      out.moments.ty += g * t * c->dy;
      out.moments.yy += g * c->dy * c->dy;
    }
    behind += weight * value;
  }
}

template <class Real>
void write_gaussian(const CloudView<Real>& cloud, const View<Real>& view, const Splat<Real>& splat,
                    const SplatGradient<Real>& d, const CloudGradients<Real>& out) {
  const int64_t i = splat.index, sh_stride = 3 * sh_count(cloud.sh_degree);
  ScreenGradient<Real> screen;
  falloff_adjoint(splat.shape, d.moments, &screen.mean, &screen.cov);
  if (cloud.filter == Filter::kMip) mip_fade_adjoint(splat.projection, d.moments.g, &screen.cov);
  screen.depth = d.depth;
  GaussianGradient<Real> g = project_adjoint(view, load3(cloud.scales, i), splat.projection, screen);

  Real distance = 0;
  const Vec3<Real> direction = normalized(load3(cloud.means, i) - view.position, &distance);
  const Vec3<Real> d_colour{splat.colour.x > 0 ? d.colour.x : 0, splat.colour.y > 0 ? d.colour.y : 0,
                            splat.colour.z > 0 ? d.colour.z : 0};
  const Vec3<Real> d_direction = sh_colour_adjoint(cloud.sh_degree, direction, cloud.sh + i * sh_stride, d_colour,
                                                   out.sh == nullptr ? nullptr : out.sh + i * sh_stride);
  g.mean = g.mean + normalized_adjoint(direction, distance, d_direction);

  const auto store = [i](Real* to, std::initializer_list<Real> values) {
    if (to != nullptr) std::copy(values.begin(), values.end(), to + i * int64_t(values.size()));
  };
  store(out.means, {g.mean.x, g.mean.y, g.mean.z});
  store(out.scales, {g.scale.x, g.scale.y, g.scale.z});
  store(out.quats, {g.quat.w, g.quat.x, g.quat.y, g.quat.z});
  store(out.opacities, {splat.opacity > 0 ? d.moments.g / cloud.opacities[i] : 0});
  store(out.means2d_ndc, {screen.mean.x * view.width / 2, screen.mean.y * view.height / 2});
}

}  // namespace

template <class Real>
void backward(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background,
              const ImageGradients<Real>& d_images, const CloudGradients<Real>& d_cloud) {
  check_inputs(cloud, camera, background);
  const View<Real> view = make_view<Real>(camera);
  const std::vector<Splat<Real>> splats = splats_in_depth_order(cloud, view);
  std::vector<SplatGradient<Real>> gradients(splats.size());

  const int64_t pixels = int64_t(camera.width) * camera.height;
  const Vec3<Real> behind{background[0], background[1], background[2]};
  std::vector<Contribution<Real>> contributions;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const Real left = pixel_contributions(splats, int(pixel % camera.width), int(pixel / camera.width), &contributions);
    PixelGradient<Real> d;
    if (d_images.rgb != nullptr) {
      d.rgb = {d_images.rgb[pixel], d_images.rgb[pixels + pixel], d_images.rgb[2 * pixels + pixel]};
    }
    if (d_images.depth != nullptr) d.depth = d_images.depth[pixel];
    if (d_images.alpha != nullptr) d.alpha = d_images.alpha[pixel];
    pixel_adjoint(contributions, d, left * dot(d.rgb, behind), splats.data(), &gradients);
  }

  const int64_t sh_stride = 3 * sh_count(cloud.sh_degree);
  const auto clear = [&](Real* to, int64_t columns) {
    if (to != nullptr) std::fill(to, to + cloud.count * columns, Real(0));
  };
  clear(d_cloud.means, 3);
  clear(d_cloud.scales, 3);
  clear(d_cloud.quats, 4);
  clear(d_cloud.opacities, 1);
  clear(d_cloud.sh, sh_stride);
  clear(d_cloud.means2d_ndc, 2);
  for (size_t s = 0; s < splats.size(); ++s) write_gaussian(cloud, view, splats[s], gradients[s], d_cloud);
}

template void backward(const CloudView<float>&, const Camera&, const std::array<float, 3>&,
                       const ImageGradients<float>&, const CloudGradients<float>&);
template void backward(const CloudView<double>&, const Camera&, const std::array<double, 3>&,
                       const ImageGradients<double>&, const CloudGradients<double>&);

}  // namespace lucid::render::reference
