// SPDX-License-Identifier: Apache-2.0
// Tests of normals against the normals of surfaces whose depth has a closed form.
#include "lucid/asset/pictures/normals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "lucid/camera/sampler.h"
#include "lucid/math/vec.h"

namespace lucid::asset {
namespace {

using Point = Vec3<double>;

/// A surface in camera axes: z along the ray (x z, y z, z), NaN where it misses, and the normal at a point.
struct Shape {
  std::function<double(double x, double y)> z;
  std::function<Point(const Point&)> normal;
};

struct Seen {
  torch::Tensor depth, alpha;  // [1,H,W]
  torch::Tensor normals;       // [3,H,W] as normals_of_depth() should give them
  torch::Tensor facing;        // [H,W] cosine between the normal and the direction to the camera; 0 where nothing is
};

Seen seen(const Shape& shape, const Camera& camera, double opacity) {
  Seen result{.depth = torch::zeros({1, camera.height, camera.width}),
              .alpha = torch::zeros({1, camera.height, camera.width}),
              .normals = torch::zeros({3, camera.height, camera.width}),
              .facing = torch::zeros({camera.height, camera.width})};
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      const double rx = (2 * x + 1 - camera.width) * camera.tan_half_fov_x / camera.width;
      const double ry = (2 * y + 1 - camera.height) * camera.tan_half_fov_y / camera.height;
      const double z = shape.z(rx, ry);
      if (std::isnan(z)) continue;
      const Point n = shape.normal({rx * z, ry * z, z});
      result.facing[y][x] = -(n.x * rx + n.y * ry + n.z) / std::sqrt(rx * rx + ry * ry + 1);
      result.alpha[0][y][x] = opacity;
      result.depth[0][y][x] = opacity * z;
      result.normals[0][y][x] = n.x;
      result.normals[1][y][x] = -n.y;
      result.normals[2][y][x] = -n.z;
    }
  }
  return result;
}

/// Angle between two fields of normals, degrees. [H,W]
torch::Tensor degrees_between(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::acos((a * b).sum(0).clamp(-1, 1)) * (180 / M_PI);
}

Shape sphere(double distance, double radius) {
  const auto z = [=](double x, double y) {
    const double a = x * x + y * y + 1, half = distance, c = distance * distance - radius * radius;
    const double root = half * half - a * c;
    return root < 0 ? NAN : (half - std::sqrt(root)) / a;
  };
  return {z, [=](const Point& p) { return (1 / radius) * Point{p.x, p.y, p.z - distance}; }};
}

/// n . p = offset, with n towards the camera.
Shape plane(Point n, double offset) {
  const double length = std::sqrt(dot(n, n));
  n = (1 / length) * n;
  return {[=](double x, double y) { return offset / (n.x * x + n.y * y + n.z); }, [=](const Point&) { return n; }};
}

TEST(Normals, OfASphere) {
  const Camera camera = orbit_camera(90, 0, 3.5, 0.55, 160, 120);
  const Seen view = seen(sphere(3.5, 0.8), camera, 0.9);
  const torch::Tensor error = degrees_between(normals_of_depth(view.depth, view.alpha, camera), view.normals);
  const torch::Tensor inside = view.facing > 0.35, outline = (view.facing > 0) & ~inside;
  ASSERT_GT(inside.sum().item<int64_t>(), 3000);
  EXPECT_LT(error.masked_select(inside).max().item<double>(), 3);
  EXPECT_LT(error.masked_select(inside).mean().item<double>(), 0.5);
  EXPECT_LT(error.masked_select(outline).mean().item<double>(), 10);
  const torch::Tensor empty = view.alpha[0] == 0;
  EXPECT_EQ(normals_of_depth(view.depth, view.alpha, camera).abs().sum(0).masked_select(empty).max().item<float>(), 0);
}

TEST(Normals, OfPlanesAreExactInAnyDirectionAndPictureShape) {
  for (const auto& [width, height] : {std::pair{40, 40}, std::pair{60, 30}, std::pair{24, 50}}) {
    const Camera camera = orbit_camera(90, 0, 3.5, 0.7, width, height);
    for (const Point& n : {Point{0, 0, -1}, Point{0.6, 0, -1}, Point{0, -0.9, -1}, Point{-0.8, 0.7, -1}}) {
      const Seen view = seen(plane(n, -3), camera, 0.7);
      const torch::Tensor found = normals_of_depth(view.depth, view.alpha, camera);
      EXPECT_LT(degrees_between(found, view.normals).max().item<double>(), 0.1) << n.x << " " << n.y;
    }
  }
}

TEST(Normals, HaveTheUsualDirections) {
  const Camera camera = orbit_camera(90, 0, 3.5, 0.55, 32, 32);
  // A floor seen from above faces up: it is farther towards the top of the picture.
  const Seen floor = seen(plane({0, -1, -1}, -3), camera, 1);
  const torch::Tensor up = normals_of_depth(floor.depth, floor.alpha, camera).select(1, 16).select(1, 16);  // [3]
  EXPECT_GT(up[1].item<float>(), 0.6f);
  EXPECT_GT(up[2].item<float>(), 0.6f);
}

TEST(Normals, AnEdgeOfTheSurfaceDoesNotBendThem) {
  const Camera camera = orbit_camera(90, 0, 3.5, 0.55, 48, 48);
  const Shape near = plane({0.3, 0.2, -1}, -2.5), far = plane({-0.2, 0.4, -1}, -4);
  const Shape both{[&](double x, double y) { return x < 0.013 ? near.z(x, y)
                                                    : y > 0.1 ? NAN
                                                              : far.z(x, y); },
                   [&](const Point& p) { return p.x / p.z < 0.013 ? near.normal(p) : far.normal(p); }};
  const Seen view = seen(both, camera, 1);
  const torch::Tensor error = degrees_between(normals_of_depth(view.depth, view.alpha, camera), view.normals);
  EXPECT_LT(error.masked_select(view.alpha[0] > 0).max().item<double>(), 0.5);
}

TEST(Normals, FaintPixelsHaveNone) {
  const Camera camera = orbit_camera(90, 0, 3.5, 0.55, 16, 16);
  const Seen view = seen(plane({0, 0, -1}, -3), camera, 0.49);
  EXPECT_EQ(normals_of_depth(view.depth, view.alpha, camera).abs().max().item<float>(), 0);
  // A pixel without neighbours faces the camera.
  torch::Tensor alpha = torch::zeros({1, 16, 16});
  alpha[0][8][8] = 1;
  const torch::Tensor one = normals_of_depth(alpha * 3, alpha, camera).select(1, 8).select(1, 8);
  EXPECT_NEAR(one[2].item<float>(), 1, 1e-5);
}

}  // namespace
}  // namespace lucid::asset
