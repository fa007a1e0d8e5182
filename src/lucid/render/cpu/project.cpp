// SPDX-License-Identifier: Apache-2.0
// Every Gaussian onto the screen, and its gradients back. In double: the discrete choices (near plane, radius, tiles,
// depth order) then agree with the reference's, and needles keep their digits; colours need only float.
#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "lucid/base/parallel.h"
#include "lucid/render/cpu/frame.h"
#include "lucid/render/inputs.h"

namespace lucid::render::cpu {
namespace {

constexpr int64_t kGrain = 256;

Vec3<double> wide(const float* from, int64_t i) { return {from[3 * i], from[3 * i + 1], from[3 * i + 2]}; }

bool project_one(const View<double>& view, const CloudView<float>& cloud, int64_t i, Projection<double>* out) {
  const float* q = cloud.quats + 4 * i;
  return project(view, wide(cloud.means, i), wide(cloud.scales, i), Quat<double>{q[0], q[1], q[2], q[3]}, out);
}

Vec3<float> direction_to(const View<double>& view, const CloudView<float>& cloud, int64_t i, float* distance) {
  const Vec3<double> d = wide(cloud.means, i) - view.position;
  return normalized(Vec3<float>{float(d.x), float(d.y), float(d.z)}, distance);
}

/// The ellipse log2(alpha) >= log2(kAlphaCut); squared_reach is its squared Mahalanobis radius.
Footprint footprint(const Projection<double>& p, const TileRect& rect, double squared_reach) {
  Footprint f;
  f.rect = rect;
  f.x = float(p.mean.x);
  f.y = float(p.mean.y);
  f.reach_x = std::sqrt(float(squared_reach * p.cov.xx));
  f.reach_y = std::sqrt(float(squared_reach * p.cov.yy));
  f.slope = float(p.cov.xy / p.cov.yy);
  f.half_row = std::sqrt(float(squared_reach * p.det / p.cov.yy));
  f.tip_dy = float(p.cov.xy / p.cov.xx) * f.reach_x;
  return f;
}

/// Their number; which they are goes into `rows`.
uint32_t tiles_met(const Footprint& f, TileRows* rows) {
  uint32_t tiles = 0;
  int first = 0, count = 0;
  for_each_tile_row(f, [&](int y, int x0, int x1) {
    if (count == 0) first = y;
    if (y - first < TileRows::kMost) {
      rows->x[y - first][0] = static_cast<uint16_t>(x0);
      rows->x[y - first][1] = static_cast<uint16_t>(x1);
    }
    for (int skipped = count; skipped < y - first && skipped < TileRows::kMost; ++skipped) {
      rows->x[skipped][0] = rows->x[skipped][1] = 0;
    }
    count = y - first + 1;
    tiles += static_cast<uint32_t>(x1 - x0);
  });
  const bool fits = first + count <= 0xFFFF && f.rect.x1 <= 0xFFFF;
  rows->y0 = static_cast<uint16_t>(fits ? first : 0);
  rows->count = static_cast<uint16_t>(fits && count <= TileRows::kMost ? count : TileRows::kMost + 1);
  return tiles;
}

struct Totals {
  double red = 0, green = 0, blue = 0, depth = 0;
  Moments<double> moments;
};

/// Sums one Gaussian's tiles in slot order, whatever the order they were computed in. A tile whose pixels had all
/// stopped before it has written nothing.
Totals sum_tiles(const PairGradient* pairs, const uint8_t* written, uint32_t count) {
  Totals s;
  for (uint32_t k = 0; k < count; ++k) {
    if (written[k] == 0) continue;
    const PairGradient& p = pairs[k];
    s.red += p.red;
    s.green += p.green;
    s.blue += p.blue;
    s.depth += p.depth;
    s.moments.g += p.g;
    s.moments.t += p.t;
    s.moments.y += p.y;
    s.moments.tt += p.tt;
    s.moments.ty += p.ty;
    s.moments.yy += p.yy;
  }
  s.moments.t /= kSqrtLog2E;
  s.moments.tt /= kLog2E;
  s.moments.ty /= kSqrtLog2E;
  return s;
}

void write(float* to, int64_t row, std::initializer_list<double> values) {
  if (to == nullptr) return;
  to += row * int64_t(values.size());
  for (const double v : values) *to++ = float(v);
}

void write_zeros(float* to, int64_t row, int64_t columns) {
  if (to != nullptr) std::fill(to + row * columns, to + (row + 1) * columns, 0.0f);
}

void gather_one(const CpuRasterizer::Frame& frame, const CloudView<float>& cloud, const PairGradient* pairs,
                const uint8_t* written, int64_t i, const CloudGradients<float>& out) {
  const size_t at = static_cast<size_t>(i);
  const int64_t sh_stride = 3 * (cloud.sh_degree + 1) * (cloud.sh_degree + 1);
  Projection<double> p;
  if (frame.touched[at] == 0 || !project_one(frame.view, cloud, i, &p)) {
    write_zeros(out.means, i, 3);
    write_zeros(out.scales, i, 3);
    write_zeros(out.quats, i, 4);
    write_zeros(out.opacities, i, 1);
    write_zeros(out.sh, i, sh_stride);
    write_zeros(out.means2d_ndc, i, 2);
    return;
  }
  const Totals total = sum_tiles(pairs + frame.first_slot[at], written + frame.first_slot[at], frame.touched[at]);
  ScreenGradient<double> screen;
  falloff_adjoint(falloff(p.cov, p.det), total.moments, &screen.mean, &screen.cov);
  screen.depth = total.depth;
  GaussianGradient<double> g = project_adjoint(frame.view, wide(cloud.scales, i), p, screen);

  const Splat& splat = frame.splats[at];
  const Vec3<float> d_colour{splat.red > 0 ? float(total.red) : 0, splat.green > 0 ? float(total.green) : 0,
                             splat.blue > 0 ? float(total.blue) : 0};
  float distance = 0;
  const Vec3<float> direction = direction_to(frame.view, cloud, i, &distance);
  const Vec3<float> d_direction = sh_colour_adjoint(cloud.sh_degree, direction, cloud.sh + i * sh_stride, d_colour,
                                                    out.sh == nullptr ? nullptr : out.sh + i * sh_stride);
  const Vec3<float> d_mean = normalized_adjoint(direction, distance, d_direction);

  write(out.means, i, {g.mean.x + d_mean.x, g.mean.y + d_mean.y, g.mean.z + d_mean.z});
  write(out.scales, i, {g.scale.x, g.scale.y, g.scale.z});
  write(out.quats, i, {g.quat.w, g.quat.x, g.quat.y, g.quat.z});
  write(out.opacities, i, {total.moments.g / cloud.opacities[i]});
  write(out.means2d_ndc, i, {screen.mean.x * frame.view.width / 2, screen.mean.y * frame.view.height / 2});
}

}  // namespace

void project_cloud(const CloudView<float>& cloud, CpuRasterizer::Frame* frame, BinScratch* scratch, int32_t* radii) {
  const size_t count = static_cast<size_t>(cloud.count);
  const int64_t sh_stride = 3 * (cloud.sh_degree + 1) * (cloud.sh_degree + 1);
  frame->splats.resize(count);
  frame->touched.resize(count);
  scratch->footprints.resize(count);
  scratch->rows.resize(count);
  scratch->depths.resize(count);
  const View<double>& view = frame->view;
  parallel_for(cloud.count, kGrain, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    frame->touched[at] = 0;
    if (radii != nullptr) radii[i] = 0;
    Projection<double> p;
    if (!project_one(view, cloud, i, &p)) return;
    const TileRect rect = tile_rect(view, p.mean, p.radius);
    if (rect.empty()) return;
    if (radii != nullptr) radii[i] = p.radius < double(1 << 30) ? int32_t(p.radius) : 1 << 30;
    const double opacity = cloud.opacities[i];
    if (!(opacity >= kAlphaCut * 0.999)) return;  // no pixel can pass the cut
    // A little more than the exact reach: the kernels decide each pixel for themselves.
    const float log2_opacity = std::log2(cloud.opacities[i]);
    const double squared_reach = 2 / kLog2E * double(log2_opacity - kLog2AlphaCut) + 1e-2;
    scratch->footprints[at] = footprint(p, rect, squared_reach);
    scratch->depths[at] = p.point.z;
    frame->touched[at] = tiles_met(scratch->footprints[at], &scratch->rows[at]);
    const Falloff<double> shape = falloff(p.cov, p.det);
    float distance = 0;
    const Vec3<float> colour =
        sh_colour(cloud.sh_degree, direction_to(view, cloud, i, &distance), cloud.sh + i * sh_stride);
    frame->splats[at] = {float(p.mean.x),
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
  });
}

void gather_gradients(const CpuRasterizer::Frame& frame, const CloudView<float>& cloud, const PairGradient* pairs,
                      const uint8_t* written, const CloudGradients<float>& out) {
  parallel_for(cloud.count, kGrain, [&](int64_t i) { gather_one(frame, cloud, pairs, written, i, out); });
}

}  // namespace lucid::render::cpu
