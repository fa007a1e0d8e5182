// SPDX-License-Identifier: Apache-2.0
// Table of the initial shapes, and the cloud that is made of one. A new shape is one row of kStarts.
#include "lucid/gaussians/starts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/math/sh.h"

namespace lucid::gaussians {
namespace {

using Point = std::array<double, 3>;

constexpr double kUsualRadius = 0.5;  // the radius for which the table gives sizes
constexpr double kShellDistance = 3;  // `scene`: inner radius of the shell, in camera radii
constexpr double kShellDepth = 1;     // `scene`: thickness of the shell, world units

struct Start {
  const char* name;
  Point half;                                                    // half size of the bounding box, in units of unit()
  double (*unit)(const StartOptions&);                           // world units
  Point (*place)(const StartOptions&, const Point& half, Rng&);  // draws one point; `half` in world units
};

/// Uniform polar and azimuth angles, as in the reference. That is not uniform on the sphere: denser around the z axis.
Point direction(Rng& rng) {
  const double theta = rng.uniform() * std::numbers::pi, phi = rng.uniform() * 2 * std::numbers::pi;
  return {std::sin(theta) * std::sin(phi), std::sin(theta) * std::cos(phi), std::cos(theta)};
}

Point scaled(const Point& p, double s) { return {s * p[0], s * p[1], s * p[2]}; }

Point in_ball(const StartOptions& options, const Point&, Rng& rng) {
  const double r = rng.uniform() * options.radius;
  return scaled(direction(rng), r);
}

Point in_block(const StartOptions&, const Point& half, Rng& rng) {
  Point p;
  for (int axis = 0; axis < 3; ++axis) p[axis] = rng.uniform(-half[axis], half[axis]);
  return p;
}

Point in_shell(const StartOptions& options, const Point&, Rng& rng) {
  const double r = kShellDistance * options.scene_radius + rng.uniform() * kShellDepth;
  return scaled(direction(rng), r);
}

double by_radius(const StartOptions& options) { return options.radius / kUsualRadius; }
double by_shell(const StartOptions& options) { return kShellDistance * options.scene_radius + kShellDepth; }

constexpr Start kStarts[] = {
    {"sphere", {0.5, 0.5, 0.5}, by_radius, in_ball},
    {"box", {0.5, 0.5, 0.5}, by_radius, in_block},
    {"rectangle_x", {0.3, 0.6, 0.25}, by_radius, in_block},
    {"rectangle_z", {0.4, 0.3, 0.6}, by_radius, in_block},
    {"scene", {1, 1, 1}, by_shell, in_shell},
};
static_assert(std::ranges::equal(kStarts, kStartNames, std::equal_to<std::string_view>(), &Start::name),
              "start_options.h must name the same shapes in the same order");

const Start& start_named(const std::string& name) {
  for (const Start& start : kStarts) {
    if (name == start.name) return start;
  }
  throw UserError({.what_happened = fmt::format("there is no initial shape \"{}\"", name),
                   .key = "init_shape",
                   .hint = fmt::format("one of {}", fmt::join(start_names(), ", "))});
}

void check(const StartOptions& o) {
  const auto need = [](bool holds, const char* key, std::string what) {
    if (!holds) throw UserError({.what_happened = std::move(what), .key = key});
  };
  need(o.count > 0, "init_num_pts", fmt::format("{} is not a positive number of points", o.count));
  need(o.radius > 0 && std::isfinite(o.radius), "init_radius", fmt::format("{} is not a positive radius", o.radius));
  need(o.scene_radius > 0 && std::isfinite(o.scene_radius), "radius_range",
       fmt::format("{} is not a positive radius", o.scene_radius));
  need(o.opacity > 0 && o.opacity < 1, "init_opacity", fmt::format("{} is not inside (0, 1)", o.opacity));
  need(o.sh_degree >= 0 && o.sh_degree <= kMaxShDegree, "sh_degree",
       fmt::format("{} is not in 0..{}", o.sh_degree, kMaxShDegree));
}

}  // namespace

const std::vector<std::string>& start_names() {
  static const std::vector<std::string> names(kStartNames.begin(), kStartNames.end());
  return names;
}

std::array<double, 3> start_bounds(const StartOptions& options) {
  const Start& start = start_named(options.kind);
  return scaled(start.half, start.unit(options));
}

Cloud make_start(const StartOptions& options) {
  const Start& start = start_named(options.kind);
  check(options);
  const int64_t n = options.count;
  const Point half = start_bounds(options);
  Cloud cloud;
  cloud.means = torch::empty({n, 3});
  Rng place_rng(options.seed, "start points");
  float* xyz = cloud.means.data_ptr<float>();
  for (int64_t i = 0; i < n; ++i) {
    const Point p = start.place(options, half, place_rng);
    for (int axis = 0; axis < 3; ++axis) xyz[3 * i + axis] = static_cast<float>(p[axis]);
  }
  cloud.sh_dc = torch::empty({n, 1, 3});
  Rng colour_rng(options.seed, "start colours");
  colour_rng.fill_uniform(cloud.sh_dc.data_ptr<float>(), static_cast<size_t>(3 * n));
  cloud.sh_dc.div_(255);  // colours within one 8-bit level of mid-grey
  cloud.sh_rest = torch::zeros({n, sh_count(options.sh_degree) - 1, 3});
  cloud.opacity_logits = torch::full({n, 1}, std::log(options.opacity / (1 - options.opacity)), torch::kFloat32);
  cloud.log_scales = nearest_neighbour_log_scales(cloud.means);
  cloud.quats = torch::zeros({n, 4});
  cloud.quats.select(1, 0).fill_(1);
  return cloud;
}

}  // namespace lucid::gaussians
