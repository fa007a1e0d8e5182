// SPDX-License-Identifier: Apache-2.0
// Tests of the mesh rasteriser: ray casting in double as the oracle, coverage of shared edges, pixel positions against
// the Gaussian rasteriser, thread counts, the near plane.
#include "lucid/mesh/rasterize_mesh.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "lucid/base/rng.h"
#include "lucid/camera/sampler.h"
#include "lucid/render/constants.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {
namespace {

using Wide = Vec3<double>;

Wide wide(const Point& p) { return {p.x, p.y, p.z}; }

/// A ray's hit with a triangle: Moeller and Trumbore (1997) without a tolerance.
struct Hit {
  bool hit = false;
  double z = 0, u = 0, v = 0;
  double margin = 0;  // the smallest barycentric weight; the hit is certain if it is not tiny
};

Hit intersect(const Wide& origin, const Wide& direction, const Wide& a, const Wide& b, const Wide& c) {
  const Wide ab = b - a, ac = c - a, p = cross(direction, ac);
  const double det = dot(ab, p);
  if (det == 0) return {};
  const Wide s = origin - a;
  const double u = dot(s, p) / det;
  const Wide q = cross(s, ab);
  const double v = dot(direction, q) / det, z = dot(ac, q) / det;
  const double margin = std::min({u, v, 1 - u - v});
  return {margin >= 0 && z > 0, z, u, v, margin};
}

/// The camera's centre and the ray through pixel (x, y); the ray's parameter is the camera z.
struct Rays {
  explicit Rays(const Camera& camera) : camera(camera) {
    const auto& m = camera.camera_from_world;
    for (int k = 0; k < 3; ++k) {
      axes[k] = {m[size_t(4 * k)], m[size_t(4 * k + 1)], m[size_t(4 * k + 2)]};
      origin = origin - m[size_t(4 * k + 3)] * axes[k];
    }
  }
  Wide direction(int x, int y) const {
    const double ndc_x = (2 * (x + 0.5) / camera.width - 1) * camera.tan_half_fov_x;
    const double ndc_y = (2 * (y + 0.5) / camera.height - 1) * camera.tan_half_fov_y;
    return ndc_x * axes[0] + ndc_y * axes[1] + axes[2];
  }
  Camera camera;
  Wide axes[3], origin{};
};

struct Soup {
  std::vector<Point> positions;
  std::vector<Triangle> triangles;
};

Soup random_soup(int count, double size, uint64_t seed) {
  Rng rng(seed, "triangles");
  Soup soup;
  for (int t = 0; t < count; ++t) {
    const Wide centre{rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)};
    for (int k = 0; k < 3; ++k) {
      const Wide p = centre + size * Wide{rng.normal(), rng.normal(), rng.normal()};
      soup.positions.push_back({float(p.x), float(p.y), float(p.z)});
    }
    soup.triangles.push_back({uint32_t(3 * t), uint32_t(3 * t + 1), uint32_t(3 * t + 2)});
  }
  return soup;
}

MeshPicture draw(const Soup& soup, const Camera& camera) {
  return rasterize_mesh(soup.positions, soup.triangles, camera);
}

void expect_like_ray_casting(const Soup& soup, const Camera& camera) {
  const MeshPicture picture = draw(soup, camera);
  const Rays rays(camera);
  int compared = 0, covered = 0;
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      const Wide direction = rays.direction(x, y);
      int nearest = -1;
      bool certain = true;
      Hit best, second;
      best.z = second.z = std::numeric_limits<double>::infinity();
      for (size_t t = 0; t < soup.triangles.size(); ++t) {
        Wide corner[3];
        for (int k = 0; k < 3; ++k) corner[k] = wide(soup.positions[soup.triangles[t][size_t(k)]]);
        const Hit hit = intersect(rays.origin, direction, corner[0], corner[1], corner[2]);
        if (std::abs(hit.margin) < 1e-9) certain = false;
        if (!hit.hit) continue;
        if (hit.z < best.z) {
          second = best;
          best = hit;
          nearest = int(t);
        } else if (hit.z < second.z) {
          second = hit;
        }
      }
      if (!certain || second.z < best.z * (1 + 1e-6)) continue;  // the oracle's own rounding may decide
      ++compared;
      const size_t pixel = size_t(y) * size_t(camera.width) + size_t(x);
      ASSERT_EQ(picture.triangle[pixel], nearest) << x << ", " << y;
      if (nearest < 0) {
        ASSERT_EQ(picture.depth[pixel], std::numeric_limits<float>::infinity());
        continue;
      }
      ++covered;
      ASSERT_NEAR(picture.depth[pixel], best.z, 1e-6 * best.z);
      ASSERT_NEAR(picture.barycentric[pixel].x, best.u, 1e-5);
      ASSERT_NEAR(picture.barycentric[pixel].y, best.v, 1e-5);
    }
  }
  EXPECT_GT(compared, camera.width * camera.height * 99 / 100);
  EXPECT_GT(covered, compared / 5);
}

TEST(RasterizeMesh, AgreesWithRayCasting) {
  expect_like_ray_casting(random_soup(60, 0.5, 1), orbit_camera(70, 30, 5, 0.5, 97, 61));
  expect_like_ray_casting(random_soup(800, 0.08, 2), orbit_camera(20, -140, 4, 0.6, 70, 70));
  expect_like_ray_casting(random_soup(6, 3, 3), orbit_camera(100, 200, 12, 0.3, 45, 90));  // beyond the picture
}

/// A camera 8 in front of the plane z = 0 whose pixels there are of size 1: (x, y, 0) projects to (x + 8, y + 8).
Camera unit_pixels() {
  Camera camera;
  camera.camera_from_world = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 8, 0, 0, 0, 1};
  camera.tan_half_fov_x = camera.tan_half_fov_y = 1;
  camera.width = camera.height = 16;
  return camera;
}

std::vector<int> coverage(const Soup& soup) {  // how many of the triangles cover each pixel
  std::vector<int> count(256);
  for (const Triangle& t : soup.triangles) {
    const MeshPicture alone = rasterize_mesh(soup.positions, {t}, unit_pixels());
    for (size_t i = 0; i < count.size(); ++i) count[i] += alone.triangle[i] == 0;
  }
  return count;
}

TEST(RasterizeMesh, ATriangleOwnsItsTopAndLeftEdges) {
  // A square whose corners are the centres of pixels (2, 3) and (6, 9), in both orientations and with both diagonals.
  const std::vector<Point> corners{{-5.5f, -4.5f, 0}, {-1.5f, -4.5f, 0}, {-1.5f, 1.5f, 0}, {-5.5f, 1.5f, 0}};
  for (const auto& triangles : std::vector<std::vector<Triangle>>{
           {{0, 1, 2}, {0, 2, 3}}, {{2, 1, 0}, {0, 2, 3}}, {{0, 1, 3}, {1, 3, 2}}, {{3, 1, 0}, {2, 3, 1}}}) {
    const std::vector<int> count = coverage({corners, triangles});
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 16; ++x) {
        EXPECT_EQ(count[size_t(16 * y + x)], x >= 2 && x < 6 && y >= 3 && y < 9) << x << ", " << y;
      }
    }
  }
}

TEST(RasterizeMesh, EveryPixelInsideAFanBelongsToOneTriangle) {
  // The centre of the fan and all its corners are pixel centres, so that many centres lie on its edges.
  Soup fan;
  fan.positions.push_back({0.5f, 0.5f, 0});
  for (int k = 0; k < 24; ++k) {  // around a square of 12 x 12 pixels
    const int side = k / 6, step = k % 6;
    const float along = float(2 * step) - 5.5f;
    const Point ring[4] = {{along, -5.5f, 0}, {6.5f, along, 0}, {1 - along, 6.5f, 0}, {-5.5f, 1 - along, 0}};
    fan.positions.push_back(ring[side]);
    fan.triangles.push_back({0, uint32_t(k + 1), uint32_t((k + 1) % 24 + 1)});
  }
  const std::vector<int> count = coverage(fan);
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; ++x) {
      EXPECT_EQ(count[size_t(16 * y + x)], x >= 2 && x < 14 && y >= 2 && y < 14) << x << ", " << y;
    }
  }
}

Vec2<double> centroid(const std::vector<double>& weight, int width) {
  double sum = 0, x = 0, y = 0;
  for (size_t i = 0; i < weight.size(); ++i) {
    sum += weight[i];
    x += weight[i] * (double(i % size_t(width)) + 0.5);
    y += weight[i] * (double(i / size_t(width)) + 0.5);
  }
  return {x / sum, y / sum};
}

TEST(RasterizeMesh, AGaussianAndADiscAtOnePointHaveOneCentroid) {
  const Camera camera = orbit_camera(65, 20, 4, 0.5, 400, 300);
  const Point at{0.21f, -0.03f, 0.07f};
  const float means[3] = {at.x, at.y, at.z}, scales[3] = {0.005f, 0.005f, 0.005f}, quats[4] = {1, 0, 0, 0};
  const float opacity = 0.99f, sh[3] = {1, 1, 1};
  const render::CloudView<float> cloud{1, 0, means, scales, quats, &opacity, sh};
  std::vector<float> alpha(400 * 300);
  render::Images<float> images;
  images.alpha = alpha.data();
  render::CpuRasterizer().forward(0, cloud, camera, {0, 0, 0}, images);
  const Vec2<double> gaussian = centroid({alpha.begin(), alpha.end()}, 400);

  // A disc parallel to the image plane, about 100 pixels in radius: its picture is a disc around its centre's.
  const Rays rays(camera);
  Soup disc;
  for (int k = 0; k < 64; ++k) {
    const double angle = 2 * std::numbers::pi / 64 * k;
    const Wide p = wide(at) + 0.68 * (std::cos(angle) * rays.axes[0] + std::sin(angle) * rays.axes[1]);
    disc.positions.push_back({float(p.x), float(p.y), float(p.z)});
    if (k >= 2) disc.triangles.push_back({0, uint32_t(k - 1), uint32_t(k)});
  }
  std::vector<double> covered;
  for (const int32_t t : draw(disc, camera).triangle) covered.push_back(t >= 0);
  const Vec2<double> triangles = centroid(covered, 400);
  EXPECT_NEAR(triangles.x, gaussian.x, 0.05);
  EXPECT_NEAR(triangles.y, gaussian.y, 0.05);
}

TEST(RasterizeMesh, ThreadsDoNotChangeThePicture) {
  const Soup soup = random_soup(3000, 0.2, 5);
  const Camera camera = orbit_camera(50, 10, 4, 0.6, 200, 180);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const MeshPicture one = draw(soup, camera);
  omp_set_num_threads(4);
  const MeshPicture four = draw(soup, camera);
  omp_set_num_threads(threads);
  EXPECT_EQ(one.triangle, four.triangle);
  EXPECT_EQ(one.depth, four.depth);
}

TEST(RasterizeMesh, TrianglesThatReachBehindTheNearPlaneAreLeftOut) {
  Camera camera = unit_pixels();
  const auto picture_at = [&](float z) {
    return rasterize_mesh({{-1, -1, z}, {1, -1, 0}, {0, 1, 0}}, {{0, 1, 2}}, camera);
  };
  const auto covered = [](const MeshPicture& p) {
    return std::count_if(p.triangle.begin(), p.triangle.end(), [](int32_t t) { return t >= 0; });
  };
  EXPECT_GT(covered(picture_at(-7)), 0);
  EXPECT_EQ(covered(picture_at(float(render::kNearPlane) - 8.01f)), 0);
  EXPECT_EQ(covered(picture_at(-9)), 0);
  EXPECT_EQ(covered(picture_at(std::numeric_limits<float>::quiet_NaN())), 0);
}

}  // namespace
}  // namespace lucid::mesh
