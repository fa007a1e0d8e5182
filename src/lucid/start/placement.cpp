// SPDX-License-Identifier: Apache-2.0
// Parses rotations; finds the ball around points.
#include "lucid/start/placement.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <vector>

#include "lucid/base/error.h"

namespace lucid::start {
namespace {

using mesh::Point;

Mat3<double> about_axis(size_t axis, double degrees) {
  const double a = degrees / 180 * std::numbers::pi, c = std::cos(a), s = std::sin(a);
  if (axis == 0) return {{1, 0, 0}, {0, c, s}, {0, -s, c}};
  if (axis == 1) return {{c, 0, -s}, {0, 1, 0}, {s, 0, c}};
  return {{c, s, 0}, {-s, c, 0}, {0, 0, 1}};
}

/// The values at the `stray`-th and the last but `stray`-th place of 1000.
std::pair<float, float> ends(std::vector<float>& values, double stray) {
  const auto skipped = static_cast<int64_t>(stray / 1000 * static_cast<double>(values.size()));
  const auto low = values.begin() + skipped, high = values.end() - 1 - skipped;
  std::nth_element(values.begin(), low, values.end());
  const float lowest = *low;
  std::nth_element(values.begin(), high, values.end());
  return {lowest, *high};
}

}  // namespace

Mat3<double> rotation_of_angles(const std::array<double, 3>& degrees) {
  return about_axis(2, degrees[2]) * (about_axis(1, degrees[1]) * about_axis(0, degrees[0]));
}

Turn parse_turn(const std::string& text) {
  Turn turn;
  if (text.empty()) return turn;
  if (const auto axes = asset::axes_named(text)) {
    turn.axes = axes;
    return turn;
  }
  std::vector<double> angles;
  std::string rest = text;
  std::ranges::replace(rest, ',', ' ');
  const char *at = rest.data(), *end = rest.data() + rest.size();
  while (at != end) {
    if (*at == ' ') {
      ++at;
      continue;
    }
    double angle = 0;
    const auto [next, error] = std::from_chars(*at == '+' ? at + 1 : at, end, angle);
    if (error != std::errc() || !std::isfinite(angle)) break;
    angles.push_back(angle);
    at = next;
  }
  if (at != end || angles.size() != 3) {
    throw UserError({.what_happened = fmt::format("'{}' is neither three angles nor the name of axes", text),
                     .key = "init_rotate",
                     .hint = fmt::format("0,0,90, or one of {}", fmt::join(asset::kAxesNames, ", "))});
  }
  turn.rotation = rotation_of_angles({angles[0], angles[1], angles[2]});
  turn.is_identity = std::ranges::all_of(angles, [](double angle) { return angle == 0; });
  return turn;
}

Fit fit_of(const std::vector<Point>& points, const gaussians::StartOptions& options, bool fitted, double stray) {
  Fit fit{.centre = {}, .scale = options.file_scale};
  if (!fitted) return fit;
  std::vector<float> values(points.size());
  const auto middle = [&](float Point::*component) {
    std::ranges::transform(points, values.begin(), [&](const Point& p) { return p.*component; });
    const auto [low, high] = ends(values, stray);
    return static_cast<float>((double{low} + high) / 2);
  };
  fit.centre = {middle(&Point::x), middle(&Point::y), middle(&Point::z)};
  std::ranges::transform(points, values.begin(), [&](const Point& p) {
    const auto square = [](double d) { return d * d; };
    return static_cast<float>(std::sqrt(square(double{p.x} - fit.centre.x) + square(double{p.y} - fit.centre.y) +
                                        square(double{p.z} - fit.centre.z)));
  });
  const float radius = ends(values, stray).second;
  if (radius > 0 && std::isfinite(radius)) fit.scale *= options.radius / radius;
  return fit;
}

}  // namespace lucid::start
