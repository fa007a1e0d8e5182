// SPDX-License-Identifier: Apache-2.0
// Per-Gaussian computations of the tiled backends (CPU and CUDA): projection to a Splat, and the chain rule from a
// splat's gradient sums to the Gaussian's parameters. Both compute in double: the discrete decisions (near plane,
// radius, tiles, depth order) then agree with the reference implementation, and long thin Gaussians keep their
// precision. Colours are computed in float. Host and device.
#pragma once

#include <cmath>

#include "lucid/render/footprint.h"
#include "lucid/render/rasterize.h"
#include "lucid/render/splat.h"

namespace lucid::render {

/// Row i of a [N,3] array, in double.
LUCID_INLINE Vec3<double> wide3(const float* from, int64_t i) {
  return {from[3 * i], from[3 * i + 1], from[3 * i + 2]};
}

LUCID_INLINE bool project_gaussian(const View<double>& view, const CloudView<float>& cloud, int64_t i,
                                   Projection<double>* out) {
  const float* q = cloud.quats + 4 * i;
  return project(view, wide3(cloud.means, i), wide3(cloud.scales, i), Quat<double>{q[0], q[1], q[2], q[3]}, out);
}

/// The unit direction from the camera to Gaussian i, and its distance.
LUCID_INLINE Vec3<float> direction_to(const View<double>& view, const CloudView<float>& cloud, int64_t i,
                                      float* distance) {
  const Vec3<double> d = wide3(cloud.means, i) - view.position;
  return normalized(Vec3<float>{float(d.x), float(d.y), float(d.z)}, distance);
}

/// One Gaussian as the tiled backends need it after projection.
struct ScreenGaussian {
  Splat splat;
  Footprint footprint;
  double depth;  // camera z
};

/// [1]-[9]: projects Gaussian i. `*radius` is 0 if it is not visible. Returns false if it is not visible or its opacity
/// is too low for any pixel to reach kAlphaCut.
LUCID_INLINE bool splat_of(const View<double>& view, const CloudView<float>& cloud, int64_t i, ScreenGaussian* out,
                           int32_t* radius) {
  *radius = 0;
  Projection<double> p;
  if (!project_gaussian(view, cloud, i, &p)) return false;
  const TileRect rect = tile_rect(view, p.mean, p.radius);
  if (rect.empty()) return false;
  *radius = p.radius < double(1 << 30) ? int32_t(p.radius) : 1 << 30;
  const float opacity = cloud.opacities[i] * (cloud.filter == Filter::kMip ? float(mip_fade(p)) : 1);
  if (!(opacity >= float(kAlphaCut * 0.999))) return false;
  const float log2_opacity = std::log2(opacity);
  // Slightly more than the exact ellipse: it only selects tiles; the blend kernels test every pixel themselves.
  const double squared_reach = 2 / kLog2E * double(log2_opacity - kLog2AlphaCut) + 1e-2;
  out->footprint = footprint(p, rect, squared_reach);
  out->depth = p.point.z;
  const Falloff<double> shape = falloff(p.cov, p.det);
  const int64_t sh_stride = 3 * sh_count(cloud.sh_degree);
  float distance = 0;
  const Vec3<float> colour =
      sh_colour(cloud.sh_degree, direction_to(view, cloud, i, &distance), cloud.sh + i * sh_stride);
  out->splat = {float(p.mean.x),
                float(p.mean.y),
                float(shape.tx * kSqrtLog2E),
                float(shape.ty * kSqrtLog2E),
                float(shape.ry * kSqrtLog2E),
                log2_opacity,
                colour.x,
                colour.y,
                colour.z,
                float(p.point.z),
                {}};
  return true;
}

/// One Gaussian's gradient sums over all its tiles. The moments have the scale of Splat (exponents in base 2).
struct PairTotals {
  double red = 0, green = 0, blue = 0, depth = 0;
  Moments<double> moments;
};

LUCID_INLINE void add_pair(const PairGradient& p, PairTotals* s) {
  s->red += p.red;
  s->green += p.green;
  s->blue += p.blue;
  s->depth += p.depth;
  s->moments.g += p.g;
  s->moments.t += p.t;
  s->moments.y += p.y;
  s->moments.tt += p.tt;
  s->moments.ty += p.ty;
  s->moments.yy += p.yy;
}

LUCID_INLINE void write_zero_gradients(int64_t i, int sh_degree, const CloudGradients<float>& out) {
  const auto clear = [i](float* to, int64_t columns) {
    if (to == nullptr) return;
    for (int64_t k = 0; k < columns; ++k) to[i * columns + k] = 0;
  };
  clear(out.means, 3);
  clear(out.scales, 3);
  clear(out.quats, 4);
  clear(out.opacities, 1);
  clear(out.sh, 3 * sh_count(sh_degree));
  clear(out.means2d_ndc, 2);
}

/// [15]-[21]: the chain rule from the sums to every parameter of Gaussian i. `splat` is splat_of()'s result in the
/// forward pass.
LUCID_INLINE void write_gradients(const View<double>& view, const CloudView<float>& cloud, int64_t i,
                                  const Splat& splat, const PairTotals& total, const CloudGradients<float>& out) {
  Projection<double> p;
  if (!project_gaussian(view, cloud, i, &p)) {
    write_zero_gradients(i, cloud.sh_degree, out);
    return;
  }
  Moments<double> moments = total.moments;
  moments.t /= kSqrtLog2E;
  moments.tt /= kLog2E;
  moments.ty /= kSqrtLog2E;
  ScreenGradient<double> screen;
  falloff_adjoint(falloff(p.cov, p.det), moments, &screen.mean, &screen.cov);
  if (cloud.filter == Filter::kMip) mip_fade_adjoint(p, moments.g, &screen.cov);
  screen.depth = total.depth;
  const GaussianGradient<double> g = project_adjoint(view, wide3(cloud.scales, i), p, screen);

  const int64_t sh_stride = 3 * sh_count(cloud.sh_degree);
  const Vec3<float> d_colour{splat.red > 0 ? float(total.red) : 0, splat.green > 0 ? float(total.green) : 0,
                             splat.blue > 0 ? float(total.blue) : 0};
  float distance = 0;
  const Vec3<float> direction = direction_to(view, cloud, i, &distance);
  const Vec3<float> d_direction = sh_colour_adjoint(cloud.sh_degree, direction, cloud.sh + i * sh_stride, d_colour,
                                                    out.sh == nullptr ? nullptr : out.sh + i * sh_stride);
  const Vec3<float> d_mean = normalized_adjoint(direction, distance, d_direction);

  const auto write3 = [i](float* to, double x, double y, double z) {
    if (to == nullptr) return;
    to[3 * i] = float(x);
    to[3 * i + 1] = float(y);
    to[3 * i + 2] = float(z);
  };
  write3(out.means, g.mean.x + d_mean.x, g.mean.y + d_mean.y, g.mean.z + d_mean.z);
  write3(out.scales, g.scale.x, g.scale.y, g.scale.z);
  if (out.quats != nullptr) {
    out.quats[4 * i] = float(g.quat.w);
    out.quats[4 * i + 1] = float(g.quat.x);
    out.quats[4 * i + 2] = float(g.quat.y);
    out.quats[4 * i + 3] = float(g.quat.z);
  }
  if (out.opacities != nullptr) out.opacities[i] = float(moments.g / cloud.opacities[i]);
  if (out.means2d_ndc != nullptr) {
    out.means2d_ndc[2 * i] = float(screen.mean.x * view.width / 2);
    out.means2d_ndc[2 * i + 1] = float(screen.mean.y * view.height / 2);
  }
}

}  // namespace lucid::render
