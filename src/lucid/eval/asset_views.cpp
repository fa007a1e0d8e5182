// SPDX-License-Identifier: Apache-2.0
// Rendering of an asset's views, and their reprojection error.
#include "lucid/eval/asset_views.h"

#include <array>
#include <cmath>
#include <limits>

#include "lucid/base/error.h"
#include "lucid/camera/sampler.h"
#include "lucid/train/outputs.h"

namespace lucid::eval {
namespace {

constexpr double kOpaque = 0.95;     // minimum alpha of a pixel whose depth is used
constexpr double kSameDepth = 0.03;  // world units; a larger depth difference means occlusion
constexpr double kMargin = 1.0;      // pixels at the border that are not used

using Point = std::array<double, 3>;

/// World position of pixel (x, y) at a depth.
Point world_point(const Camera& c, double x, double y, double depth) {
  const double in_camera[3] = {(2 * (x + 0.5) / c.width - 1) * c.tan_half_fov_x * depth,
                               (2 * (y + 0.5) / c.height - 1) * c.tan_half_fov_y * depth, depth};
  const auto& m = c.camera_from_world;  // rigid: p = R^T (v - t)
  Point p{};
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k)
      p[i] += m[static_cast<size_t>(4 * k + i)] * (in_camera[k] - m[static_cast<size_t>(4 * k + 3)]);
  }
  return p;
}

/// Projection of a world point: x, y in pixels, and its depth.
Point seen_at(const Camera& c, const Point& p) {
  double v[3];
  for (size_t i = 0; i < 3; ++i) {
    v[i] = c.camera_from_world[4 * i + 3];
    for (size_t k = 0; k < 3; ++k) v[i] += c.camera_from_world[4 * i + k] * p[k];
  }
  return {(v[0] / (v[2] * c.tan_half_fov_x) + 1) * c.width / 2 - 0.5,
          (v[1] / (v[2] * c.tan_half_fov_y) + 1) * c.height / 2 - 0.5, v[2]};
}

/// A pixel of one view whose surface point another view shows too.
struct Match {
  int y, x;     // in the view `from`
  double v, u;  // row and column in the view `to`
};

/// Bilinear sample of a plane's accessor at row v and column u, at least kMargin inside.
template <class Plane>
double sampled(const Plane& plane, double v, double u) {
  const auto j = static_cast<int64_t>(v), i = static_cast<int64_t>(u);
  const double dv = v - static_cast<double>(j), du = u - static_cast<double>(i);
  return (1 - dv) * ((1 - du) * plane[j][i] + du * plane[j][i + 1]) +
         dv * ((1 - du) * plane[j + 1][i] + du * plane[j + 1][i + 1]);
}

/// Calls `visit(Match)` for each opaque pixel of view a whose surface point view b shows, by both depths.
template <class Visit>
void for_each_match(const AssetViews& views, int64_t a, int64_t b, const Visit& visit) {
  const Camera &from = views.cameras[static_cast<size_t>(a)], &to = views.cameras[static_cast<size_t>(b)];
  const auto depth = views.depth.accessor<float, 4>(), alpha = views.alpha.accessor<float, 4>();
  for (int y = 0; y < from.height; ++y) {
    for (int x = 0; x < from.width; ++x) {
      if (alpha[a][0][y][x] < kOpaque) continue;
      const Point at = seen_at(to, world_point(from, x, y, depth[a][0][y][x] / alpha[a][0][y][x]));
      if (!(at[0] >= kMargin && at[0] < to.width - 1 - kMargin && at[1] >= kMargin && at[1] < to.height - 1 - kMargin))
        continue;
      const double there = sampled(alpha[b][0], at[1], at[0]);
      if (there < kOpaque || std::abs(sampled(depth[b][0], at[1], at[0]) / there - at[2]) > kSameDepth) continue;
      visit(Match{.y = y, .x = x, .v = at[1], .u = at[0]});
    }
  }
}

/// Calls `visit(a, b)` for each view and its two neighbours on the circle.
template <class Visit>
void for_each_neighbour(const AssetViews& views, const Visit& visit) {
  const int64_t count = views.rgb.size(0);
  for (int64_t a = 0; count > 1 && a < count; ++a) {
    visit(a, (a + 1) % count);
    visit((a + 1) % count, a);
  }
}

}  // namespace

std::vector<double> AssetViews::azimuths() const {
  std::vector<double> result;
  for (const Camera& camera : cameras) result.push_back(camera.phi);
  return result;
}

AssetViews render_asset(const gaussians::Cloud& cloud, int views, const Framing& framing) {
  LUCID_CHECK(views > 0, "{} views", views);
  AssetViews result;
  gaussians::ViewRenderer renderer;
  std::vector<torch::Tensor> rgb, depth, alpha;
  for (int view = 0; view < views; ++view) {
    const double phi = 360.0 * view / views;
    result.cameras.push_back(
        orbit_camera(framing.polar, phi, framing.radius, framing.fovy, framing.size, framing.size));
    const gaussians::RenderedView picture = train::plain_view(cloud, result.cameras.back(), renderer);
    rgb.push_back(picture.rgb);
    depth.push_back(picture.depth);
    alpha.push_back(picture.alpha);
  }
  result.rgb = torch::stack(rgb);
  result.depth = torch::stack(depth);
  result.alpha = torch::stack(alpha);
  return result;
}

double reprojection_error(const AssetViews& views) {
  double difference = 0;
  int64_t pixels = 0;
  const auto rgb = views.rgb.accessor<float, 4>();
  for_each_neighbour(views, [&](int64_t a, int64_t b) {
    for_each_match(views, a, b, [&](const Match& match) {
      for (int64_t c = 0; c < 3; ++c)
        difference += std::abs(sampled(rgb[b][c], match.v, match.u) - rgb[a][c][match.y][match.x]) / 3;
      ++pixels;
    });
  });
  return pixels == 0 ? std::numeric_limits<double>::quiet_NaN() : difference / static_cast<double>(pixels);
}

double reprojection_correlation(const AssetViews& views, const torch::Tensor& planes) {
  const auto plane = planes.accessor<float, 4>();
  double n = 0, sum_a = 0, sum_b = 0, square_a = 0, square_b = 0, product = 0;
  for_each_neighbour(views, [&](int64_t a, int64_t b) {
    for_each_match(views, a, b, [&](const Match& match) {
      const double here = plane[a][0][match.y][match.x], there = sampled(plane[b][0], match.v, match.u);
      n += 1;
      sum_a += here;
      sum_b += there;
      square_a += here * here;
      square_b += there * there;
      product += here * there;
    });
  });
  const double variances = (square_a - sum_a * sum_a / n) * (square_b - sum_b * sum_b / n);
  return (product - sum_a * sum_b / n) / std::sqrt(variances);  // NaN without points or without variance
}

}  // namespace lucid::eval
