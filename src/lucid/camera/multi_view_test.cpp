// SPDX-License-Identifier: Apache-2.0
// Groups of views: what they share, and what differs between them.
#include "lucid/camera/multi_view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

namespace lucid {
namespace {

TEST(JointCameras, AreAQuarterTurnApartAndShareAllElse) {
  ViewOptions options;
  options.joint_views = 4;
  options.relative_radius = true;
  options.radius = {0.8, 1.0};
  options.fovy = {0.2618, 1.0472};
  options.theta = {60, 90};
  std::set<double> radii, offsets;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "camera");
    const std::vector<Camera> cameras = sample_views(options, 8, rng);
    ASSERT_EQ(cameras.size(), 8U);
    const double half = cameras.front().tan_half_fov_y;
    EXPECT_GE(half, std::tan(0.2618 / 2) - 1e-9);
    EXPECT_LE(half, std::tan(1.0472 / 2) + 1e-9);
    for (size_t i = 0; i < cameras.size(); ++i) {
      const Camera &first = cameras[i - i % 4], &camera = cameras[i];
      EXPECT_EQ(camera.tan_half_fov_y, half);
      EXPECT_EQ(camera.radius, first.radius);
      EXPECT_EQ(camera.theta, first.theta);
      EXPECT_GE(camera.radius * half, 0.8 - 1e-9) << "an object of one size fills the same share of each picture";
      EXPECT_LE(camera.radius * half, 1.0 + 1e-9);
      EXPECT_GE(camera.theta, 60);
      EXPECT_LE(camera.theta, 90);
      EXPECT_NEAR(std::remainder(camera.phi - first.phi - 90.0 * static_cast<double>(i % 4), 360.0), 0, 1e-9);
    }
    EXPECT_NE(cameras[0].radius, cameras[4].radius);
    radii.insert(cameras[0].radius);
    offsets.insert(cameras[0].phi);
  }
  EXPECT_GT(radii.size(), 15U);
  EXPECT_GT(*offsets.rbegin() - *offsets.begin(), 45) << "the offset is up to a quarter turn";
}

TEST(JointCameras, ACameraIsItsDirection) {
  ViewOptions options;
  options.joint_views = 4;
  options.radius = {2, 5};
  Rng rng(2, "camera");
  for (const Camera& camera : sample_views(options, 8, rng)) {
    const auto whole = multi_view_camera(camera), direction = multi_view_camera_at(camera.phi, 90 - camera.theta);
    for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], direction[i], 1e-6) << i;
  }
}

TEST(JointCameras, RelativeRadiusHoldsForSingleViewsToo) {
  ViewOptions options;
  options.radius = {0.9, 0.9};
  options.relative_radius = true;
  options.jitter_pose = false;
  Rng rng(1, "camera");
  for (const Camera& camera : sample_views(options, 3, rng))
    EXPECT_NEAR(camera.radius * camera.tan_half_fov_y, 0.9, 1e-9);
}

}  // namespace
}  // namespace lucid
