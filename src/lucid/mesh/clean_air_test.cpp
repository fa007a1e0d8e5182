// SPDX-License-Identifier: Apache-2.0
// Clean air around an opaque ball with specks, haze and parts of its own.
#include "lucid/mesh/clean_air.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "lucid/mesh/surface/surface_test_support.h"

namespace lucid::mesh {
namespace {

/// Gaussians that are added one by one.
struct Air : test::Cloud {
  /// A round Gaussian; returns its index.
  int64_t add(std::array<float, 3> at, float scale, float opacity, float colour = 0) {
    Cloud::add({at[0], at[1], at[2]}, {scale, scale, scale}, opacity, {1, 0, 0, 0}, {colour, colour, colour});
    return static_cast<int64_t>(opacities.size()) - 1;
  }
  /// An opaque shell of Gaussians around a point.
  void add_ball(std::array<float, 3> at, float radius, int count) {
    for (const Camera& camera : cameras_around(count, radius, 0.7, 8, 0)) {
      const auto& m = camera.camera_from_world;  // the camera's centre is -R^T t
      std::array<float, 3> point = at;
      for (size_t i = 0; i < 3; ++i) point[i] -= static_cast<float>(m[i] * m[3] + m[4 + i] * m[7] + m[8 + i] * m[11]);
      add(point, 5 * radius / std::sqrt(static_cast<float>(count)), 0.99f, -1);
    }
  }
};

bool stays(const std::vector<int64_t>& kept, int64_t index) { return std::ranges::find(kept, index) != kept.end(); }

TEST(CleanAir, SpecksHazeAndHiddenGaussiansGoAndPartsOfTheObjectStay) {
  Air air;
  air.add_ball({0, 0, 0}, 0.6f, 1500);
  const auto ball = static_cast<int64_t>(air.opacities.size());
  const int64_t hidden = air.add({0, 0, 0}, 0.1f, 0.9f), faint = air.add({0.3f, 0.2f, 0.95f}, 0.05f, 0.3f),
                speck = air.add({-0.3f, 0.9f, 0.2f}, 0.004f, 0.9f), haze = air.add({0.88f, 0, 0}, 0.08f, 0.05f);
  const auto part = static_cast<int64_t>(air.opacities.size());
  air.add_ball({0, 0, -1.2f}, 0.06f, 60);  // apart and opaque, as the foot of a broken pole
  const auto end = static_cast<int64_t>(air.opacities.size());
  const std::vector<int64_t> kept = without_air(air.view());
  for (const auto& [name, index] : {std::pair("hidden", hidden), {"faint", faint}, {"speck", speck}, {"haze", haze}})
    EXPECT_FALSE(stays(kept, index)) << name;
  for (int64_t i = 0; i < ball; ++i) EXPECT_TRUE(stays(kept, i)) << "ball " << i;
  for (int64_t i = part; i < end; ++i) EXPECT_TRUE(stays(kept, i)) << "part " << i;
  EXPECT_TRUE(std::ranges::is_sorted(kept));
  EXPECT_EQ(without_air(air.view(), {.rounds = 0}).size(), static_cast<size_t>(end));
}

TEST(CleanAir, AFaintGaussianOnTheObjectIsNoHaze) {
  Air air;
  air.add_ball({0, 0, 0}, 0.6f, 1500);
  const int64_t stain = air.add({0.66f, 0, 0}, 0.04f, 0.3f, 1);
  EXPECT_TRUE(stays(without_air(air.view()), stain));
}

TEST(CleanAir, ASceneStaysUnlessTheCloudIsKnownToBeAnObject) {
  Air air;
  air.add_ball({0, 0, 0}, 0.05f, 400);
  for (const Camera& camera : cameras_around(60, 3, 0.7, 8, 0)) {  // haze far around, as early in training
    const auto* forward = &camera.camera_from_world[8];
    air.add(
        {3 * static_cast<float>(forward[0]), 3 * static_cast<float>(forward[1]), 3 * static_cast<float>(forward[2])},
        0.3f, 0.05f);
  }
  EXPECT_EQ(without_air(air.view()).size(), 460u);
  EXPECT_EQ(without_air(air.view(), {.scene_stays = false}).size(), 400u);
}

TEST(CleanAir, OfACloudThatNobodySeesAllStays) {
  Air air;
  EXPECT_TRUE(without_air(air.view()).empty());
  air.add({0, 0, 0}, 0.1f, 0.001f);
  EXPECT_EQ(without_air(air.view()).size(), 1u);
}

TEST(CleanAir, PsnrCountsTheObjectsPixelsOnly) {
  Air air;
  air.add_ball({0, 0, 0}, 0.6f, 1500);
  const std::vector<Camera> cameras = cameras_around(4, 4, 0.7, 64, 0);
  const std::vector<CloudPicture> before = render_pictures(air.view(), cameras);
  EXPECT_EQ(psnr_of_object({before[3]}, {before[3]}), std::numeric_limits<double>::infinity());
  std::vector<CloudPicture> after = before;
  for (CloudPicture& picture : after) {
    const size_t pixels = picture.alpha.size();
    for (size_t i = 0; i < picture.rgb.size(); ++i) {
      if (picture.alpha[i % pixels] < 0.5f) picture.rgb[i] += 0.3f;  // beside the object
    }
  }
  EXPECT_EQ(psnr_of_object(before, after), std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < before.size(); ++i) {
    for (float& value : after[i].rgb) value += 0.1f;
  }
  EXPECT_NEAR(psnr_of_object(before, after), 20, 0.5);
}

}  // namespace
}  // namespace lucid::mesh
