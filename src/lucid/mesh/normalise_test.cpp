// SPDX-License-Identifier: Apache-2.0
// The box of a cloud, what is left out of it, and how scenes are told from objects.
#include "lucid/mesh/normalise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/math/quaternion.h"
#include "lucid/mesh/surface/surface_test_support.h"

namespace lucid::mesh {
namespace {

struct Cloud : test::Cloud {
  void add(Point mean, Point scale, float opacity, Quat<float> q = {}) {
    test::Cloud::add(mean, scale, opacity, {q.w, q.x, q.y, q.z}, {1, 2, 3});
  }
};

/// Small Gaussians in a box of 200 x 100 x 50 around (1000, 0, -30).
Cloud object() {
  Cloud cloud;
  Rng rng(1, "object");
  for (int i = 0; i < 4000; ++i) {
    cloud.add({static_cast<float>(1000 + rng.uniform(-100, 100)), static_cast<float>(rng.uniform(-50, 50)),
               static_cast<float>(-30 + rng.uniform(-25, 25))},
              {0.1f, 0.1f, 0.1f}, 0.5f);
  }
  return cloud;
}

TEST(Normalise, AnObjectOfAnySizeGetsSidesOfTwo) {
  const NormalisedCloud normal = normalise(object().view(), std::nullopt);
  EXPECT_NEAR(normal.unit, 100, 0.5);
  EXPECT_NEAR(normal.centre.x, 1000, 0.5);
  EXPECT_NEAR(normal.centre.z, -30, 0.5);
  EXPECT_NEAR(normal.half_sides.x, 1, 1e-5);
  EXPECT_NEAR(normal.half_sides.y, 0.5, 0.01);
  EXPECT_NEAR(normal.half_sides.z, 0.25, 0.01);
  EXPECT_EQ(normal.count(), 4000);
  const Point first = normal.to_original({normal.means[0], normal.means[1], normal.means[2]});
  EXPECT_NEAR(first.x, object().means[0], 1e-3);
  EXPECT_NEAR(normal.scales[0] * normal.unit, 0.1, 1e-6);
  EXPECT_EQ(normal.sh[4], 2);
  EXPECT_EQ(normal.source[77], 77);
}

TEST(Normalise, TheBoxFollowsOrientedGaussians) {
  Cloud cloud;  // one long Gaussian, turned from x to y
  cloud.add({5, 5, 5}, {2, 0.1f, 0.1f}, 0.9f, {std::sqrt(0.5f), 0, 0, std::sqrt(0.5f)});
  const NormalisedCloud normal = normalise(cloud.view(), std::nullopt);
  EXPECT_NEAR(normal.unit, 6, 1e-4);  // 3 standard deviations
  EXPECT_NEAR(normal.half_sides.y, 1, 1e-5);
  EXPECT_NEAR(normal.half_sides.x, 0.05, 1e-4);
}

TEST(Normalise, FloatersAndFaintGaussiansAreLeftOut) {
  Cloud cloud = object();
  cloud.add({5000, 0, 0}, {1, 1, 1}, 0.5f);      // a floater
  cloud.add({1000, 0, -30}, {1, 1, 1}, 0.003f);  // below what an 8-bit picture shows
  const NormalisedCloud normal = normalise(cloud.view(), std::nullopt);
  EXPECT_EQ(normal.count(), 4000);
  EXPECT_NEAR(normal.unit, 100, 0.5);
}

TEST(Normalise, ASceneIsToldFromAnObjectAndABoxCropsIt) {
  Cloud cloud = object();
  Rng rng(2, "scene");
  for (int i = 0; i < 1000; ++i) {  // far surroundings
    const double angle = rng.uniform(0, 2 * M_PI);
    cloud.add({static_cast<float>(1000 + 5000 * std::cos(angle)), static_cast<float>(5000 * std::sin(angle)), 0},
              {9, 9, 9}, 0.5f);
  }
  EXPECT_TRUE(extent_of(cloud.view()).is_scene());
  EXPECT_FALSE(extent_of(object().view()).is_scene());
  EXPECT_NEAR(extent_of(object().view()).spread(), 2, 0.1);
  const NormalisedCloud cropped = normalise(cloud.view(), Box{{800, -200, -100}, {1200, 200, 100}});
  EXPECT_EQ(cropped.count(), 4000);
  EXPECT_NEAR(cropped.unit, 100, 0.5);
  EXPECT_THROW(normalise(cloud.view(), Box{{8, 8, 8}, {9, 9, 9}}), UserError);
}

TEST(Normalise, NothingToSeeIsAMistake) {
  Cloud cloud;
  EXPECT_THROW(normalise(cloud.view(), std::nullopt), UserError);
  cloud.add({0, 0, 0}, {1, 1, 1}, 0.001f);
  EXPECT_THROW(normalise(cloud.view(), std::nullopt), UserError);
}

}  // namespace
}  // namespace lucid::mesh
