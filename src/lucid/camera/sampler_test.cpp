// SPDX-License-Identifier: Apache-2.0
// Tests of camera sampling: poses are rigid and look at their target, also with a degenerate `up`; random views stay in
// their ranges; ranges widen at the right iterations.
#include "lucid/camera/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

namespace lucid {
namespace {

using Point = std::array<double, 3>;

double row_dot(const Camera& c, int i, int j) {
  double sum = 0;
  for (int k = 0; k < 3; ++k) sum += c.camera_from_world[4 * i + k] * c.camera_from_world[4 * j + k];
  return sum;
}

Point to_camera(const Camera& c, const Point& p) {
  Point q;
  for (int i = 0; i < 3; ++i) {
    q[i] = c.camera_from_world[4 * i + 3];
    for (int k = 0; k < 3; ++k) q[i] += c.camera_from_world[4 * i + k] * p[k];
  }
  return q;
}

void expect_rigid(const Camera& c) {
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) EXPECT_NEAR(row_dot(c, i, j), i == j ? 1 : 0, 1e-12);
  }
  const auto& m = c.camera_from_world;
  const double det =
      m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) + m[2] * (m[4] * m[9] - m[5] * m[8]);
  EXPECT_NEAR(det, 1, 1e-12);
  EXPECT_EQ(m[12], 0);
  EXPECT_EQ(m[15], 1);
}

TEST(Orbit, LooksAtTheOriginWithZUp) {
  for (const double theta : {1.0, 45.0, 90.0, 130.0, 179.0}) {
    for (const double phi : {-180.0, -77.0, 0.0, 90.0, 200.0}) {
      const Camera c = orbit_camera(theta, phi, 3.5, 0.55, 640, 480);
      expect_rigid(c);
      const Point origin = to_camera(c, {0, 0, 0}), above = to_camera(c, {0, 0, 0.1});
      EXPECT_NEAR(origin[0], 0, 1e-12);
      EXPECT_NEAR(origin[1], 0, 1e-12);
      EXPECT_NEAR(origin[2], 3.5, 1e-12);
      EXPECT_NEAR(above[0], 0, 1e-12);
      EXPECT_LT(above[1], 0) << "+z is not upwards at " << theta << ", " << phi;
    }
  }
}

TEST(Orbit, FrontIsPlusYAndPixelsAreSquare) {
  const Camera c = orbit_camera(90, 0, 2, 0.5, 640, 480);
  EXPECT_NEAR(to_camera(c, {0, 2, 0})[2], 0, 1e-12);  // the camera's centre
  EXPECT_LT(to_camera(c, {0.1, 0, 0})[0], 0);         // seen from the front, +x is on the left
  EXPECT_DOUBLE_EQ(c.tan_half_fov_y, std::tan(0.25));
  EXPECT_DOUBLE_EQ(c.tan_half_fov_x / c.tan_half_fov_y, 640.0 / 480);
}

TEST(Orbit, IsContinuousOverThePoles) {
  for (const double pole : {0.0, 180.0}) {
    for (const double phi : {0.0, 60.0, -135.0}) {
      const Camera at = orbit_camera(pole, phi, 4, 0.5, 64, 64);
      const Camera near = orbit_camera(pole == 0 ? 1e-4 : 180 - 1e-4, phi, 4, 0.5, 64, 64);
      expect_rigid(at);
      for (int i = 0; i < 16; ++i) EXPECT_NEAR(at.camera_from_world[i], near.camera_from_world[i], 1e-5);
    }
  }
}

TEST(LookAt, AgreesWithTheOrbitAndRecoversItsAngles) {
  const Camera orbit = orbit_camera(60, 135, 3.5, 0.55, 512, 512);
  const double s = std::sin(std::numbers::pi / 3) * 3.5, h = std::sqrt(0.5);
  const Camera c = look_at({s * h, -s * h, 1.75}, {0, 0, 0}, {0, 0, 1}, 0.55, 512, 512);
  for (int i = 0; i < 16; ++i) EXPECT_NEAR(c.camera_from_world[i], orbit.camera_from_world[i], 1e-12);
  EXPECT_NEAR(c.theta, 60, 1e-9);
  EXPECT_NEAR(c.phi, 135, 1e-9);
  EXPECT_NEAR(c.radius, 3.5, 1e-12);
}

TEST(LookAt, TheAskedUpIsTheOppositeOfThePicturesDown) {
  const Camera c = look_at({0, 0, 5}, {0, 0, 0}, {0.6, 0.8, 0}, 0.5, 64, 64);
  EXPECT_NEAR(c.camera_from_world[4], -0.6, 1e-12);
  EXPECT_NEAR(c.camera_from_world[5], -0.8, 1e-12);
  EXPECT_NEAR(c.camera_from_world[6], 0, 1e-12);
}

TEST(LookAt, PicksAnotherUpWhereTheAskedOneFails) {
  const Camera down = look_at({0, 0, 5}, {0, 0, 0}, {0, 0, 1}, 0.5, 64, 64);
  expect_rigid(down);
  EXPECT_GT(to_camera(down, {0, 1, 0})[1], 0);  // the front at the bottom
  const Camera up = look_at({1, 2, -5}, {1, 2, 0}, {0, 0, -3}, 0.5, 64, 64);
  expect_rigid(up);
  EXPECT_LT(to_camera(up, {1, 3, 0})[1], 0);  // the front at the top
  expect_rigid(look_at({0, 0, 5}, {0, 0, 0}, {0, 0, 0}, 0.5, 64, 64));
  const Camera along_y = look_at({0, 3, 0}, {0, 0, 0}, {0, 2, 0}, 0.5, 64, 64);
  expect_rigid(along_y);
  EXPECT_LT(to_camera(along_y, {0, 0, 1})[1], 0);  // falls back to z
  EXPECT_THROW(look_at({1, 1, 1}, {1, 1, 1}, {0, 0, 1}, 0.5, 64, 64), std::logic_error);
}

TEST(Projection, MapsNearToZeroAndFarToOne) {
  const Camera c = orbit_camera(90, 0, 2, 0.5, 640, 480);
  const auto p = projection_matrix(c);
  const auto depth = [&](double z) { return (p[10] * z + p[11]) / (p[14] * z); };
  EXPECT_NEAR(depth(0.01), 0, 1e-12);
  EXPECT_NEAR(depth(100), 1, 1e-12);
  EXPECT_NEAR(p[0] * c.tan_half_fov_x, 1, 1e-12);
  EXPECT_NEAR(p[5] * c.tan_half_fov_y, 1, 1e-12);
}

ViewOptions narrow() {
  ViewOptions o;
  o.phi = {-30, 60};
  o.theta = {70, 100};
  return o;
}

TEST(SampleViews, StayInTheirRangesAndReachTheirEnds) {
  ViewOptions o = narrow();
  o.jitter_pose = false;
  Rng rng(7, "camera");
  double lowest = 1e9, highest = -1e9, sum = 0;
  std::set<double> fovs;
  constexpr int kBatches = 500, kBatch = 4;
  for (int i = 0; i < kBatches; ++i) {
    const std::vector<Camera> views = sample_views(o, kBatch, rng);
    ASSERT_EQ(views.size(), size_t{kBatch});
    fovs.insert(views[0].tan_half_fov_y);
    for (const Camera& c : views) {
      EXPECT_EQ(c.tan_half_fov_y, views[0].tan_half_fov_y);  // one fovy a batch
      EXPECT_GE(c.phi, -30);
      EXPECT_LE(c.phi, 60);
      EXPECT_GE(c.theta, 70);
      EXPECT_LE(c.theta, 100);
      EXPECT_GE(c.radius, o.radius.low);
      EXPECT_LE(c.radius, o.radius.high);
      EXPECT_NEAR(to_camera(c, {0, 0, 0})[2], c.radius, 1e-9);
      lowest = std::min(lowest, c.phi);
      highest = std::max(highest, c.phi);
      sum += c.phi;
    }
    EXPECT_GE(views[0].tan_half_fov_y, std::tan(0.16));
    EXPECT_LE(views[0].tan_half_fov_y, std::tan(0.30));
  }
  EXPECT_EQ(fovs.size(), size_t{kBatches});
  EXPECT_LT(lowest, -29);
  EXPECT_GT(highest, 59);
  EXPECT_NEAR(sum / (kBatches * kBatch), 15, 2.5);  // 4 standard errors
}

TEST(SampleViews, GammaGathersAtTheMiddle) {
  ViewOptions o = narrow();
  o.jitter_pose = false;
  const auto spread = [&](double gamma) {
    o.rand_cam_gamma = gamma;
    Rng rng(1, "camera");
    double sum = 0;
    for (const Camera& c : sample_views(o, 2000, rng)) sum += std::abs(c.phi - 15) / 45;
    return sum / 2000;
  };
  EXPECT_NEAR(spread(1), 1.0 / 2, 0.03);  // E[U^gamma] = 1 / (1 + gamma)
  EXPECT_NEAR(spread(3), 1.0 / 4, 0.03);
}

TEST(SampleViews, GammaLeavesTheRadiusAlone) {  // as in the reference
  ViewOptions o;
  o.jitter_pose = false;
  o.rand_cam_gamma = 3;
  Rng rng(1, "camera");
  double sum = 0;
  for (const Camera& c : sample_views(o, 2000, rng)) sum += std::abs(c.radius - 5.35) / 0.15;
  EXPECT_NEAR(sum / 2000, 1.0 / 2, 0.03);
}

TEST(SampleViews, SomeBatchesComeFromTheWholeUpperHalf) {
  ViewOptions o = narrow();
  o.jitter_pose = false;
  o.uniform_sphere_rate = 0.3;
  int batches = 0;
  double height = 0;
  for (uint64_t step = 0; step < 400; ++step) {
    Rng rng(1, "camera", step);
    const std::vector<Camera> views = sample_views(o, 8, rng);
    const bool is_narrow =
        std::ranges::all_of(views, [](const Camera& c) { return c.theta >= 70 && c.theta <= 100 && c.phi <= 60; });
    if (is_narrow) continue;
    ++batches;
    for (const Camera& c : views) {
      EXPECT_LE(c.theta, 90);
      height += std::cos(c.theta / 180 * std::numbers::pi) / 8;
    }
  }
  EXPECT_NEAR(batches, 120, 30);
  EXPECT_NEAR(height / batches, 0.5, 0.05) << "heights are uniform on a sphere";
}

TEST(SampleViews, JitterShakesALittleAndStaysRigid) {
  ViewOptions o = narrow();
  Rng rng(3, "camera");
  double shift = 0;
  for (const Camera& c : sample_views(o, 400, rng)) {
    expect_rigid(c);
    const Point origin = to_camera(c, {0, 0, 0});
    EXPECT_NEAR(origin[2], c.radius, 0.1);
    EXPECT_GE(c.theta, 70);  // the angles before the jitter
    EXPECT_LE(c.theta, 100);
    shift += origin[0] * origin[0] + origin[1] * origin[1];
  }
  EXPECT_NEAR(std::sqrt(shift / 800), 0.05, 0.02);  // standard deviation of the target, per axis
}

TEST(SampleViews, AreAFunctionOfTheStream) {
  const auto draw = [](uint64_t step) {
    Rng rng(3, "camera", step);
    return sample_views(narrow(), 4, rng)[3].camera_from_world;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

TEST(SampleViews, AzimuthIsWrapped) {
  ViewOptions o;
  o.phi = {90, 270};
  Rng rng(3, "camera");
  bool negative = false;
  for (const Camera& c : sample_views(o, 200, rng)) {
    EXPECT_GT(c.phi, -180);
    EXPECT_LE(c.phi, 180);
    EXPECT_GE(std::abs(c.phi), 90 - 1e-9);
    negative |= c.phi < 0;
  }
  EXPECT_TRUE(negative);
}

TEST(SampleViews, StratifiedAzimuthsAreEvenlySpread) {
  ViewOptions o;
  o.stratify_azimuth = true;
  Rng rng(3, "camera");
  std::set<double> first;
  for (int batch = 0; batch < 50; ++batch) {
    std::vector<double> phi;
    for (const Camera& c : sample_views(o, 4, rng)) phi.push_back(c.phi);
    first.insert(phi[0]);
    EXPECT_LT(phi[0], -90);
    for (size_t i = 1; i < phi.size(); ++i) EXPECT_NEAR(phi[i] - phi[i - 1], 90, 1e-9);
  }
  EXPECT_EQ(first.size(), 50U);
}

TEST(Widened, StepsAtMultiplesFromTheFirstIteration) {
  ViewOptions o;
  o.progressive_view_iter = 700;
  o.scale_up_cameras_iter = 500;
  EXPECT_EQ(widened(o, 999).radius.low, 5.2);
  EXPECT_DOUBLE_EQ(widened(o, 1000).radius.low, 5.2 * 0.95);
  EXPECT_DOUBLE_EQ(widened(o, 1499).radius.low, 5.2 * 0.95);
  EXPECT_DOUBLE_EQ(widened(o, 1500).radius.low, 5.2 * 0.95 * 0.95);
  o.progressive_view_iter = 500;
  EXPECT_DOUBLE_EQ(widened(o, 500).radius.low, 5.2 * 0.95);
  o.scale_up_cameras_iter = 0;
  EXPECT_EQ(widened(o, 5000).radius.low, 5.2);
}

TEST(Widened, EveryRangeGrowsByItsFactorAndStopsAtItsLimit) {
  ViewOptions o;
  o.phi = {-40, 40};
  o.theta = {60, 90};
  o.max_theta = {30, 150};
  const ViewOptions once = widened(o, 500);
  EXPECT_DOUBLE_EQ(once.fovy.low, 0.32 * 0.75);
  EXPECT_DOUBLE_EQ(once.fovy.high, 0.60);  // already at its limit
  EXPECT_DOUBLE_EQ(once.radius.high, 5.5 * 0.95);
  EXPECT_DOUBLE_EQ(once.phi.low, -60);
  EXPECT_DOUBLE_EQ(once.phi.high, 60);
  EXPECT_DOUBLE_EQ(once.theta.low, 40);
  EXPECT_DOUBLE_EQ(once.theta.high, 135);
  o.theta_scale = 1.2;
  EXPECT_DOUBLE_EQ(widened(o, 500).theta.low, 50);
  o.theta_scale = 0;
  o.phi_scale = 2;
  EXPECT_DOUBLE_EQ(widened(o, 500).theta.low, 30) << "that of phi, as in the reference";
  o.phi_scale = 1.5;
  const ViewOptions late = widened(o, 50000);
  EXPECT_EQ(late.fovy.low, 0.16);
  EXPECT_EQ(late.fovy.high, 0.60);
  EXPECT_EQ(late.radius.low, 3.5);
  EXPECT_EQ(late.radius.high, 5.0);
  EXPECT_EQ(late.phi.low, -180);
  EXPECT_EQ(late.phi.high, 180);
  EXPECT_EQ(late.theta.low, 30);
  EXPECT_EQ(late.theta.high, 150);
}

TEST(FixedViews, TestViewsAreTwoRingsOfEight) {
  ViewOptions o;
  o.default_azimuth = 10;
  const std::vector<Camera> views = test_views(o, 128, 96);
  ASSERT_EQ(views.size(), 16U);
  for (size_t i = 0; i < views.size(); ++i) {
    EXPECT_EQ(views[i].theta, i < 8 ? 90 : 60);
    EXPECT_DOUBLE_EQ(views[i].phi, 10 + 45.0 * static_cast<double>(i % 8));
    EXPECT_EQ(views[i].radius, 3.5);
    EXPECT_EQ(views[i].width, 128);
    EXPECT_EQ(views[i].height, 96);
  }
}

TEST(FixedViews, TheRingFromAboveCanBeLeftOut) {
  ViewOptions o;
  o.render_45 = false;
  const std::vector<Camera> views = test_views(o, 128, 96);
  ASSERT_EQ(views.size(), 8U);
  EXPECT_EQ(views.back().theta, 90);
}

TEST(FixedViews, TurntableGoesAroundOnceWithoutRepeating) {
  const std::vector<Camera> views = turntable({}, 120, 75, 64, 64);
  ASSERT_EQ(views.size(), 120U);
  EXPECT_EQ(views.front().phi, 0);
  EXPECT_DOUBLE_EQ(views.back().phi, 357);
  EXPECT_EQ(views[60].theta, 75);
}

}  // namespace
}  // namespace lucid
