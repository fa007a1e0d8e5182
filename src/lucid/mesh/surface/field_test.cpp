// SPDX-License-Identifier: Apache-2.0
// Density, hull and lattice of a cloud, and the rays through a lattice, against sums and projections written out in
// double precision.
#include <gtest/gtest.h>
#include <omp.h>

#include <numbers>

#include "lucid/base/rng.h"
#include "lucid/camera/sampler.h"
#include "lucid/math/quaternion.h"
#include "lucid/mesh/surface/bounds.h"
#include "lucid/mesh/surface/density_field.h"
#include "lucid/mesh/surface/hull.h"
#include "lucid/mesh/surface/rays.h"
#include "lucid/mesh/surface/surface_test_support.h"

namespace lucid::mesh {
namespace {

using test::Cloud;
using test::cube_lattice;
using test::length;
using test::sample;

Cloud random_cloud(int count, float smallest, float largest) {
  Rng rng(11, "cloud");
  Cloud cloud;
  const auto number = [&](double low, double high) { return float(rng.uniform(low, high)); };
  for (int i = 0; i < count; ++i) {
    const Point mean{number(-0.8, 0.8), number(-0.8, 0.8), number(-0.8, 0.8)};
    const auto scale = [&] { return number(double(smallest), double(largest)); };
    const Point scales{scale(), scale(), scale()};
    cloud.add(mean, scales, number(0.1, 1), {number(-1, 1), number(-1, 1), number(-1, 1), number(-1, 1)});
  }
  return cloud;
}

/// The density of one Gaussian at a point, with `widening` added to its standard deviations and its integral kept.
double brute_force_density(const Cloud& cloud, size_t i, const Point& at, double widening) {
  const float *m = &cloud.means[3 * i], *s = &cloud.scales[3 * i], *q = &cloud.quats[4 * i];
  double inverse_length = 0;
  const Mat3<double> axes = rotation(normalized(Quat<double>{q[0], q[1], q[2], q[3]}, &inverse_length));
  const Vec3<double> d{double(at.x) - double(m[0]), double(at.y) - double(m[1]), double(at.z) - double(m[2])};
  const Vec3<double> local = transposed_times(axes, d);
  const double along[3] = {local.x, local.y, local.z};
  double distance = 0, share = 1;
  for (int k = 0; k < 3; ++k) {
    const double own = double(s[k]) * double(s[k]), wide = own + widening * widening;
    distance += along[k] * along[k] / wide;
    share *= own / wide;
  }
  return distance > 9 ? 0 : double(cloud.opacities[i]) * std::sqrt(share) * std::exp(-0.5 * distance);
}

TEST(DensityField, IsTheSumOfTheGaussians) {
  const Lattice lattice{.size = {37, 33, 41}, .origin = {-1.1f, -0.9f, -1}, .spacing = 0.05f};
  const Cloud cloud = random_cloud(40, 0.02f, 0.3f);
  const Field field = density_field(cloud.view(), lattice);
  int cut = 0;  // samples so near a Gaussian's end that rounding decides
  for (int z = 0; z < lattice.size[2]; ++z) {
    for (int y = 0; y < lattice.size[1]; ++y) {
      for (int x = 0; x < lattice.size[0]; ++x) {
        const Point at = lattice.at(float(x), float(y), float(z));
        double expected = 0;
        for (size_t i = 0; i < cloud.opacities.size(); ++i) {
          expected += brute_force_density(cloud, i, at, 0.4 * double(lattice.spacing));
        }
        const double difference = std::abs(double(field[size_t(lattice.index(x, y, z))]) - expected);
        cut += difference > 1e-5;
        EXPECT_LT(difference, 0.012);
      }
    }
  }
  EXPECT_LT(cut, 10);
}

/// Thin Gaussians may fall between the samples; their integral must not.
TEST(DensityField, KeepsTheIntegralOfThinGaussians) {
  const Lattice lattice = cube_lattice(41);
  for (const float shift : {0.0f, 0.3f, 0.5f}) {
    Cloud cloud;
    const Point scale{0.2f, 0.008f, 0.015f};
    cloud.add(shift * lattice.spacing * Point{1, 1, 1}, scale, 0.8f);
    double sum = 0;
    for (const float value : density_field(cloud.view(), lattice)) sum += double(value);
    const double cell = std::pow(double(lattice.spacing), 3);
    const double integral = 0.8 * std::pow(2 * std::numbers::pi, 1.5) * double(scale.x * scale.y * scale.z);
    EXPECT_NEAR(sum * cell, integral, 0.12 * integral);  // what lies beyond 3 standard deviations is cut off
  }
}

TEST(DensityField, ClipsGaussiansLargerThanTheLattice) {
  const Lattice lattice = cube_lattice(9);
  Cloud cloud;
  cloud.add({0.2f, 0, 0}, {50, 60, 70}, 0.7f);
  cloud.add({500, 0, 0}, {1, 1, 1}, 0.9f);
  for (const float value : density_field(cloud.view(), lattice)) EXPECT_NEAR(value, 0.7f, 1e-3f);
}

TEST(DensityField, SameBitsAtAnyThreadCount) {
  const Lattice lattice = cube_lattice(33);
  const Cloud cloud = random_cloud(300, 0.02f, 0.1f);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Field one = density_field(cloud.view(), lattice);
  omp_set_num_threads(3);
  const Field three = density_field(cloud.view(), lattice);
  omp_set_num_threads(threads);
  EXPECT_EQ(one, three);
}

/// Pictures whose alpha is a smooth function of the pixel.
std::vector<CloudPicture> smooth_pictures(int count, int size) {
  std::vector<CloudPicture> pictures;
  for (const Camera& camera : cameras_around(count, 4, 0.7, size, 0.1)) {
    CloudPicture picture{.camera = camera, .rgb = {}, .alpha = {}, .depth = {}};
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const float u = (float(x) + 0.5f) / float(size) - 0.5f, v = (float(y) + 0.5f) / float(size) - 0.5f;
        const float wave = 0.1f * std::sin(20 * u) * std::cos(15 * v + float(pictures.size()));
        picture.alpha.push_back(std::clamp(3 * (0.42f + wave - std::hypot(u, v)), 0.0f, 1.0f));
      }
    }
    pictures.push_back(picture);
  }
  return pictures;
}

/// The smallest alpha over the pictures by projection and interpolation in double precision, 0 outside
/// any of them.
double brute_force_hull(const std::vector<CloudPicture>& pictures, const Point& at) {
  double smallest = 1;
  for (const CloudPicture& picture : pictures) {
    const Camera& c = picture.camera;
    const auto& m = c.camera_from_world;
    double p[3];
    for (size_t k = 0; k < 3; ++k) {
      p[k] = m[4 * k] * double(at.x) + m[4 * k + 1] * double(at.y) + m[4 * k + 2] * double(at.z) + m[4 * k + 3];
    }
    const double x = (p[0] / p[2] / c.tan_half_fov_x + 1) / 2 * c.width - 0.5;
    const double y = (p[1] / p[2] / c.tan_half_fov_y + 1) / 2 * c.height - 0.5;
    if (p[2] < 0.2 || x < 0 || y < 0 || x >= c.width - 1 || y >= c.height - 1) return 0;
    const int i = int(x), j = int(y);
    const auto pixel = [&](int u, int v) { return double(picture.alpha[size_t(v) * size_t(c.width) + size_t(u)]); };
    const double u = x - i, v = y - j;
    smallest = std::min(smallest, (1 - v) * ((1 - u) * pixel(i, j) + u * pixel(i + 1, j)) +
                                      v * ((1 - u) * pixel(i, j + 1) + u * pixel(i + 1, j + 1)));
  }
  return smallest;
}

TEST(Hull, IsTheSmallestAlphaOfThePictures) {
  const std::vector<CloudPicture> pictures = smooth_pictures(9, 96);
  const Hull hull(pictures);
  Rng rng(2, "points");
  for (int i = 0; i < 2000; ++i) {
    const Point at{float(rng.uniform(-3, 3)), float(rng.uniform(-3, 3)), float(rng.uniform(-3, 3))};
    EXPECT_NEAR(double(hull.alpha(at)), brute_force_hull(pictures, at), 2e-5);
  }
}

TEST(Hull, FieldAgreesWithPointsExceptFarFromAllLevels) {
  const std::vector<CloudPicture> pictures = smooth_pictures(9, 96);
  const Hull hull(pictures);
  const Lattice lattice{.size = {45, 43, 41}, .origin = {-1.5f, -1.4f, -1.3f}, .spacing = 0.07f};
  const Field density = sample(lattice, [](const Point& p) { return p.x < 1 ? 1.0f : 0.0f; });
  const Field field = hull.field(lattice, density, 0.5f);
  int between = 0;
  for (int z = 0; z < lattice.size[2]; ++z) {
    for (int y = 0; y < lattice.size[1]; ++y) {
      for (int x = 0; x < lattice.size[0]; ++x) {
        const Point at = lattice.at(float(x), float(y), float(z));
        const size_t i = size_t(lattice.index(x, y, z));
        if (density[i] < 0.5f) {
          EXPECT_EQ(field[i], 1);
          continue;
        }
        const double exact = brute_force_hull(pictures, at);
        if (exact > 0.03 && exact < 0.74) {
          EXPECT_NEAR(double(field[i]), exact, 2e-5);
          ++between;
        } else {
          EXPECT_EQ(field[i] > 0.5f, exact > 0.5);
        }
      }
    }
  }
  EXPECT_GT(between, 3000);
}

TEST(Bounds, HoldTheCloudAndNotWhatNoPictureShows) {
  Cloud cloud;
  cloud.add({0, 0, 0}, {0.1f, 0.2f, 0.05f}, 1);
  std::vector<CloudPicture> pictures = smooth_pictures(3, 64);
  for (CloudPicture& picture : pictures) std::fill(picture.alpha.begin(), picture.alpha.end(), 1.0f);
  const Lattice exact = lattice_around(cloud.view(), Hull(pictures), 100);
  EXPECT_NEAR(exact.spacing, 1.2f / 100, 1e-6f);
  EXPECT_NEAR(exact.origin.x, -0.3f - 2 * exact.spacing, 1e-5f);
  EXPECT_EQ(exact.size[1], 105);
  EXPECT_EQ(exact.size[2], 30);

  // A floater in empty space and a veil far larger than the pictures do not widen the lattice much.
  pictures = smooth_pictures(24, 64);
  cloud.add({1.4f, 0, 0}, {0.1f, 0.1f, 0.1f}, 1);
  cloud.add({0, 0, 0}, {30, 30, 30}, 0.01f);
  const Lattice robust = lattice_around(cloud.view(), Hull(pictures), 100);
  EXPECT_LT(robust.spacing, 1.4f / 100);

  for (CloudPicture& picture : pictures) std::fill(picture.alpha.begin(), picture.alpha.end(), 0.0f);
  EXPECT_EQ(lattice_around(cloud.view(), Hull(pictures), 100).count(), 0);
  EXPECT_EQ(lattice_around(Cloud().view(), Hull(pictures), 100).count(), 0);
}

/// Rays of all pixels against the disc of a ball, and their points against the ball.
TEST(PixelRays, MeetABallWhereItsOutlineIs) {
  const Lattice lattice{.size = {60, 50, 40}, .origin = {-0.9f, -0.7f, -0.6f}, .spacing = 0.03f};
  const float radius = 0.45f;
  const Field field = sample(lattice, [&](const Point& p) { return 1 + radius - length(p); });
  const ActiveBlocks blocks(field, lattice, 1);
  const Camera camera = orbit_camera(60, 130, 3, 0.5, 90, 90);
  const PixelRays rays(camera, lattice);
  const double sine = double(radius) / 3, tangent = sine / std::sqrt(1 - sine * sine);  // of the outline's half angle
  int met = 0;
  for (int row = 0; row < 90; ++row) {
    for (int column = 0; column < 90; ++column) {
      const double x = ((column + 0.5) / 45 - 1) * camera.tan_half_fov_x;
      const double y = ((row + 0.5) / 45 - 1) * camera.tan_half_fov_y;
      float largest = 0;
      rays.march(column, row, 0.5f, blocks, [&](const CellPoint& at) {
        const float distance = length(position(lattice, at));
        if (distance > 0.2f) {  // not at the cone's tip
          EXPECT_NEAR(interpolate(field, lattice, at), 1 + radius - distance, 2e-3f);
        }
        largest = std::max(largest, interpolate(field, lattice, at));
        return true;
      });
      const double ratio = std::hypot(x, y) / tangent;
      if (ratio < 0.98) {
        EXPECT_GE(largest, 1) << column << ' ' << row;
        ++met;
      }
      if (ratio > 1.02) {
        EXPECT_LT(largest, 1) << column << ' ' << row;
      }
    }
  }
  EXPECT_GT(met, 1000);
}

}  // namespace
}  // namespace lucid::mesh
