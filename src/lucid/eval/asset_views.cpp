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

/// Sums over the pixels of one view that another view sees too.
struct Agreement {
  double difference = 0;
  int64_t pixels = 0;
};

void compare(const AssetViews& views, int64_t a, int64_t b, Agreement& sum) {
  const Camera &from = views.cameras[static_cast<size_t>(a)], &to = views.cameras[static_cast<size_t>(b)];
  const auto rgb = views.rgb.accessor<float, 4>();
  const auto depth = views.depth.accessor<float, 4>(), alpha = views.alpha.accessor<float, 4>();
  for (int y = 0; y < from.height; ++y) {
    for (int x = 0; x < from.width; ++x) {
      if (alpha[a][0][y][x] < kOpaque) continue;
      const Point at = seen_at(to, world_point(from, x, y, depth[a][0][y][x] / alpha[a][0][y][x]));
      if (!(at[0] >= kMargin && at[0] < to.width - 1 - kMargin && at[1] >= kMargin && at[1] < to.height - 1 - kMargin))
        continue;
      const auto i = static_cast<int64_t>(at[0]), j = static_cast<int64_t>(at[1]);
      const double u = at[0] - static_cast<double>(i), v = at[1] - static_cast<double>(j);
      const auto sample = [&](const auto& plane) {
        return (1 - v) * ((1 - u) * plane[j][i] + u * plane[j][i + 1]) +
               v * ((1 - u) * plane[j + 1][i] + u * plane[j + 1][i + 1]);
      };
      const double there = sample(alpha[b][0]);
      if (there < kOpaque || std::abs(sample(depth[b][0]) / there - at[2]) > kSameDepth) continue;
      for (int64_t c = 0; c < 3; ++c) sum.difference += std::abs(sample(rgb[b][c]) - rgb[a][c][y][x]) / 3;
      ++sum.pixels;
    }
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
  Agreement sum;
  const int64_t count = views.rgb.size(0);
  for (int64_t a = 0; count > 1 && a < count; ++a) {
    compare(views, a, (a + 1) % count, sum);
    compare(views, (a + 1) % count, a, sum);
  }
  return sum.pixels == 0 ? std::numeric_limits<double>::quiet_NaN() : sum.difference / static_cast<double>(sum.pixels);
}

}  // namespace lucid::eval
