// SPDX-License-Identifier: Apache-2.0
// The rasteriser's equations, shared by all backends: projection of a Gaussian, its colour, its falloff, one blend
// step, and the adjoint (gradient) of each. Numbers in brackets are the equations of docs/dev/rasteriser.md.
#pragma once

#include "lucid/math/quaternion.h"
#include "lucid/math/sh.h"
#include "lucid/math/vec.h"
#include "lucid/render/constants.h"

namespace lucid::render {

/// A camera in the precision of the computation, with the values derived from it that every Gaussian needs.
template <class Real>
struct View {
  Mat3<Real> rotation;    // camera from world
  Vec3<Real> offset;      // camera = rotation * world + offset
  Vec3<Real> position;    // camera centre, world coordinates
  Real focal_x, focal_y;  // pixels
  Real limit_x, limit_y;  // kTanClamp * tan(fov / 2)
  Real width, height;     // pixels
  int tiles_x, tiles_y;
};

/// One Gaussian's projection to the screen, with the intermediate values that project_adjoint() needs.
template <class Real>
struct Projection {
  Vec3<Real> point;       // camera coordinates
  Real ratio_x, ratio_y;  // x/z and y/z, clamped
  bool clamped_x, clamped_y;
  Quat<Real> unit;  // normalised quaternion
  Real inverse_quat_length;
  Mat3<Real> frame;         // columns: the Gaussian's axes in camera coordinates, unit length
  Vec3<Real> row_x, row_y;  // rows of M = J frame diag(scale), 2x3
  Sym2<Real> cov;           // M M^T + dilation
  Real det;                 // of cov
  Real det_undilated;       // of M M^T, before the dilation
  Vec2<Real> mean;          // pixels
  Real radius;              // whole pixels
};

struct TileRect {  // half open, in tiles
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  LUCID_INLINE bool empty() const { return x0 >= x1 || y0 >= y1; }
};

template <class Real>
LUCID_INLINE Vec3<Real> to_camera(const View<Real>& view, const Vec3<Real>& mean) {
  return view.rotation * mean + view.offset;
}

/// [1]-[6]: projects a Gaussian. Returns false if it is not beyond the near plane or a result is not finite.
template <class Real>
LUCID_INLINE bool project(const View<Real>& view, const Vec3<Real>& mean, const Vec3<Real>& scale,
                          const Quat<Real>& quat, Projection<Real>* out) {
  Projection<Real>& p = *out;
  p.point = to_camera(view, mean);
  if (!(p.point.z > Real(kNearPlane))) return false;
  const Real inverse_z = 1 / p.point.z;
  const Real rx = p.point.x * inverse_z, ry = p.point.y * inverse_z;
  p.clamped_x = rx < -view.limit_x || rx > view.limit_x;
  p.clamped_y = ry < -view.limit_y || ry > view.limit_y;
  p.ratio_x = rx < -view.limit_x ? -view.limit_x : (rx > view.limit_x ? view.limit_x : rx);
  p.ratio_y = ry < -view.limit_y ? -view.limit_y : (ry > view.limit_y ? view.limit_y : ry);

  p.unit = normalized(quat, &p.inverse_quat_length);
  p.frame = view.rotation * rotation(p.unit);
  const Mat3<Real> axes{scale.x * p.frame.c0, scale.y * p.frame.c1, scale.z * p.frame.c2};
  const Real jx = view.focal_x * inverse_z, jy = view.focal_y * inverse_z;
  p.row_x = {jx * (axes.c0.x - p.ratio_x * axes.c0.z), jx * (axes.c1.x - p.ratio_x * axes.c1.z),
             jx * (axes.c2.x - p.ratio_x * axes.c2.z)};
  p.row_y = {jy * (axes.c0.y - p.ratio_y * axes.c0.z), jy * (axes.c1.y - p.ratio_y * axes.c1.z),
             jy * (axes.c2.y - p.ratio_y * axes.c2.z)};

  const Real xx = dot(p.row_x, p.row_x), yy = dot(p.row_y, p.row_y), dilation = Real(kDilation);
  p.cov = {xx + dilation, dot(p.row_x, p.row_y), yy + dilation};
  // det by the Cauchy-Binet formula: a sum of squares. xx yy - xy^2 would cancel for long thin Gaussians.
  const Vec3<Real> area = cross(p.row_x, p.row_y);
  p.det_undilated = dot(area, area);
  p.det = p.det_undilated + dilation * (xx + yy) + dilation * dilation;
  const Real half_trace = (p.cov.xx + p.cov.yy) / 2;
  const Real half_difference = (p.cov.xx - p.cov.yy) / 2;
  const Real gap = half_difference * half_difference + p.cov.xy * p.cov.xy;  // = half_trace^2 - det
  const Real floor = Real(kEigenGapFloor);
  p.radius = std::ceil(Real(kRadiusSigmas) * std::sqrt(half_trace + std::sqrt(gap > floor ? gap : floor)));
  p.mean = {view.focal_x * rx + (view.width - 1) / 2, view.focal_y * ry + (view.height - 1) / 2};
  return std::isfinite(p.det) && std::isfinite(p.radius) && std::isfinite(p.mean.x) && std::isfinite(p.mean.y);
}

template <class Real>
LUCID_INLINE int clamped_tile(Real at, int tiles) {
  return at > 0 ? (at < Real(tiles) ? int(at) : tiles) : 0;
}

/// [7]: the tiles that the square of half side `radius` around the mean touches.
template <class Real>
LUCID_INLINE TileRect tile_rect(const View<Real>& view, const Vec2<Real>& mean, Real radius) {
  const Real reach = radius + Real(kTile - 1), size = Real(kTile);
  return {clamped_tile((mean.x - radius) / size, view.tiles_x), clamped_tile((mean.y - radius) / size, view.tiles_y),
          clamped_tile((mean.x + reach) / size, view.tiles_x), clamped_tile((mean.y + reach) / size, view.tiles_y)};
}

/// [8]: coefficients of half the squared Mahalanobis distance as a sum of two squares,
/// (tx dx + ty dy)^2 + (ry dy)^2 with (dx, dy) = pixel - mean. (tx, ty, ry) is a Cholesky factor of the inverse of cov.
template <class Real>
struct Falloff {
  Real tx, ty, ry;
};
template <class Real>
LUCID_INLINE Falloff<Real> falloff(const Sym2<Real>& cov, Real det) {
  const Real tx = std::sqrt(cov.yy / (2 * det));
  return {tx, -tx * cov.xy / cov.yy, std::sqrt(1 / (2 * cov.yy))};
}

/// [8b]: the factor in [0, 1] by which Filter::kMip multiplies an opacity.
template <class Real>
LUCID_INLINE Real mip_fade(const Projection<Real>& p) {
  return std::sqrt(p.det_undilated / p.det);
}

/// [15b]: adds dL/dcov through mip_fade() to *d_cov. g = dL/d(ln opacity), which equals dL/d(ln fade).
template <class Real>
LUCID_INLINE void mip_fade_adjoint(const Projection<Real>& p, Real g, Sym2<Real>* d_cov) {
  if (g == 0) return;  // det_undilated may be zero then
  const Real dilation = Real(kDilation), before = g / (2 * p.det_undilated), after = g / (2 * p.det);
  d_cov->xx += before * (p.cov.yy - dilation) - after * p.cov.yy;
  d_cov->xy -= (before - after) * p.cov.xy;
  d_cov->yy += before * (p.cov.xx - dilation) - after * p.cov.xx;
}

/// One splat's sums over its pixels of g, g t, g dy, g t^2, g t dy and g dy^2, where g = dL/d(exponent) and
/// t = tx dx + ty dy.
template <class Real>
struct Moments {
  Real g = 0, t = 0, y = 0, tt = 0, ty = 0, yy = 0;
};

/// [15]: dL/dmean and dL/dcov (the symmetric matrix D of dL = tr(D dcov)) from the moments.
template <class Real>
LUCID_INLINE void falloff_adjoint(const Falloff<Real>& f, const Moments<Real>& m, Vec2<Real>* d_mean,
                                  Sym2<Real>* d_cov) {
  const Real rr = f.ry * f.ry;
  *d_mean = {2 * f.tx * m.t, 2 * (f.ty * m.t + rr * m.y)};
  *d_cov = {2 * f.tx * f.tx * m.tt, 2 * f.tx * (f.ty * m.tt + rr * m.ty),
            2 * (f.ty * f.ty * m.tt + 2 * f.ty * rr * m.ty + rr * rr * m.yy)};
}

/// dL/d of one Gaussian's screen mean, screen covariance and depth.
template <class Real>
struct ScreenGradient {
  Vec2<Real> mean;  // pixels
  Sym2<Real> cov;   // the symmetric matrix D of dL = tr(D dcov)
  Real depth = 0;
};

template <class Real>
struct GaussianGradient {
  Vec3<Real> mean, scale;
  Quat<Real> quat;
};

/// [16]-[20]: the adjoint of project(), from screen gradients to those of mean, scale and quaternion.
template <class Real>
LUCID_INLINE GaussianGradient<Real> project_adjoint(const View<Real>& view, const Vec3<Real>& scale,
                                                    const Projection<Real>& p, const ScreenGradient<Real>& d) {
  const Real inverse_z = 1 / p.point.z;
  const Real jx = view.focal_x * inverse_z, jy = view.focal_y * inverse_z;
  const Vec3<Real> d_row_x = 2 * d.cov.xx * p.row_x + 2 * d.cov.xy * p.row_y;  // dL/dM = 2 D M
  const Vec3<Real> d_row_y = 2 * d.cov.xy * p.row_x + 2 * d.cov.yy * p.row_y;

  const Vec3<Real> ax{scale.x * p.frame.c0.x, scale.y * p.frame.c1.x, scale.z * p.frame.c2.x};  // rows of frame diag(s)
  const Vec3<Real> ay{scale.x * p.frame.c0.y, scale.y * p.frame.c1.y, scale.z * p.frame.c2.y};
  const Vec3<Real> az{scale.x * p.frame.c0.z, scale.y * p.frame.c1.z, scale.z * p.frame.c2.z};
  const Real d_j00 = dot(d_row_x, ax), d_j02 = dot(d_row_x, az);
  const Real d_j11 = dot(d_row_y, ay), d_j12 = dot(d_row_y, az);

  // J = [[f/z, 0, -f ratio/z], ...]. A clamped ratio is a constant, so only its 1/z has a derivative.
  Vec3<Real> d_point;
  d_point.x = jx * d.mean.x - (p.clamped_x ? Real(0) : jx * inverse_z * d_j02);
  d_point.y = jy * d.mean.y - (p.clamped_y ? Real(0) : jy * inverse_z * d_j12);
  d_point.z = d.depth - jx * inverse_z * (p.point.x * d.mean.x + d_j00) -
              jy * inverse_z * (p.point.y * d.mean.y + d_j11) +
              (p.clamped_x ? 1 : 2) * jx * inverse_z * p.ratio_x * d_j02 +
              (p.clamped_y ? 1 : 2) * jy * inverse_z * p.ratio_y * d_j12;

  const auto d_axis = [&](Real dx, Real dy) {  // a column of J^T dM
    return Vec3<Real>{jx * dx, jy * dy, -jx * p.ratio_x * dx - jy * p.ratio_y * dy};
  };
  const Vec3<Real> d0 = d_axis(d_row_x.x, d_row_y.x), d1 = d_axis(d_row_x.y, d_row_y.y),
                   d2 = d_axis(d_row_x.z, d_row_y.z);
  GaussianGradient<Real> out;
  out.mean = transposed_times(view.rotation, d_point);
  out.scale = {dot(d0, p.frame.c0), dot(d1, p.frame.c1), dot(d2, p.frame.c2)};
  const Mat3<Real> d_frame{scale.x * d0, scale.y * d1, scale.z * d2};
  out.quat = rotation_adjoint(p.unit, p.inverse_quat_length, transposed_times(view.rotation, d_frame));
  return out;
}

/// [9]: the colour max(SH + 0.5, 0) in a unit direction from the camera to the Gaussian; sh is [(degree+1)^2,3].
template <class Real>
LUCID_INLINE Vec3<Real> sh_colour(int degree, const Vec3<Real>& direction, const Real* sh) {
  Real basis[kMaxShCount];
  sh_basis(degree, direction, basis);
  Vec3<Real> sum{Real(0.5), Real(0.5), Real(0.5)};
  for (int k = 0; k < sh_count(degree); ++k) {
    sum = sum + basis[k] * Vec3<Real>{sh[3 * k], sh[3 * k + 1], sh[3 * k + 2]};
  }
  return {sum.x > 0 ? sum.x : 0, sum.y > 0 ? sum.y : 0, sum.z > 0 ? sum.z : 0};
}

/// [21]: writes d_sh (unless null) and returns dL/d(direction). The caller has set d_colour to zero for channels whose
/// colour was clamped.
template <class Real>
LUCID_INLINE Vec3<Real> sh_colour_adjoint(int degree, const Vec3<Real>& direction, const Real* sh,
                                          const Vec3<Real>& d_colour, Real* d_sh) {
  Real basis[kMaxShCount], weights[kMaxShCount] = {};
  sh_basis(degree, direction, basis);
  for (int k = 0; k < sh_count(degree); ++k) {
    weights[k] = sh[3 * k] * d_colour.x + sh[3 * k + 1] * d_colour.y + sh[3 * k + 2] * d_colour.z;
    if (d_sh == nullptr) continue;
    d_sh[3 * k] = basis[k] * d_colour.x;
    d_sh[3 * k + 1] = basis[k] * d_colour.y;
    d_sh[3 * k + 2] = basis[k] * d_colour.z;
  }
  return sh_direction_gradient(degree, direction, weights);
}

// In the blend step, Value is one number or a vector of pixels.

/// [10]: the blending weight of a splat at a pixel. The transmittance decreases by exactly this weight.
template <class Value>
LUCID_INLINE Value blend_weight(Value alpha, Value transmittance) {
  return alpha * transmittance;
}

/// [13]: dL/dalpha. `value` is dL/d(weight) of this splat [12]; `behind` is the sum of weight * value over everything
/// behind it, background included; `inverse` is 1 / (1 - alpha).
template <class Value>
LUCID_INLINE Value blend_adjoint_inverse(Value inverse, Value transmittance, Value value, Value behind) {
  return transmittance * value - behind * inverse;
}
template <class Value>
LUCID_INLINE Value blend_adjoint(Value alpha, Value transmittance, Value value, Value behind) {
  return blend_adjoint_inverse(1 / (1 - alpha), transmittance, value, behind);
}

}  // namespace lucid::render
