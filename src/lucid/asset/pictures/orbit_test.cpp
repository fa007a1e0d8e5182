// SPDX-License-Identifier: Apache-2.0
// Tests of orbits and of framing.
#include "lucid/asset/pictures/orbit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lucid/asset/pictures/framing.h"
#include "lucid/asset/pictures/view_picture.h"
#include "lucid/asset/test_files.h"
#include "lucid/camera/sampler.h"

namespace lucid::asset {
namespace {

TEST(OrbitPath, AWholeTurnLoopsWithoutRepeatingAFrame) {
  const std::vector<Camera> cameras =
      orbit_cameras({.phi_from = 10, .phi_to = 370, .theta_from = 80, .theta_to = 80}, 8);
  ASSERT_EQ(cameras.size(), 8u);
  for (size_t i = 0; i < cameras.size(); ++i) {
    EXPECT_NEAR(cameras[i].phi, 10 + 45 * static_cast<double>(i), 1e-9);
    EXPECT_NEAR(cameras[i].theta, 80, 1e-9);
  }
  EXPECT_NEAR(orbit_cameras({.phi_from = 0, .phi_to = -720}, 8)[1].phi, -90, 1e-9) << "two turns backwards";
}

TEST(OrbitPath, AnArcEndsAtItsSecondAzimuth) {
  const std::vector<Camera> cameras = orbit_cameras({.phi_from = -30, .phi_to = 60}, 4);
  EXPECT_NEAR(cameras.front().phi, -30, 1e-9);
  EXPECT_NEAR(cameras[1].phi, 0, 1e-9);
  EXPECT_NEAR(cameras.back().phi, 60, 1e-9);
  EXPECT_NEAR(orbit_cameras({.phi_from = -30, .phi_to = 60}, 1).front().phi, -30, 1e-9);
}

TEST(OrbitPath, ThePolarAngleSwingsThereAndBack) {
  const std::vector<Camera> cameras = orbit_cameras({.theta_from = 60, .theta_to = 100}, 8);
  EXPECT_NEAR(cameras[0].theta, 60, 1e-9);
  EXPECT_NEAR(cameras[2].theta, 80, 1e-9);
  EXPECT_NEAR(cameras[4].theta, 100, 1e-9);
  EXPECT_NEAR(cameras[6].theta, 80, 1e-9);
}

TEST(OrbitPath, CamerasAreThoseOfTheSampler) {
  const Orbit orbit{.phi_from = 0,
                    .phi_to = 90,
                    .theta_from = 70,
                    .theta_to = 70,
                    .radius = 2,
                    .fovy = 0.7,
                    .width = 30,
                    .height = 20};
  const Camera expected = orbit_camera(70, 90, 2, 0.7, 30, 20), camera = orbit_cameras(orbit, 3).back();
  for (size_t i = 0; i < 16; ++i) EXPECT_NEAR(camera.camera_from_world[i], expected.camera_from_world[i], 1e-12);
  EXPECT_EQ(camera.width, 30);
  EXPECT_EQ(camera.tan_half_fov_x, expected.tan_half_fov_x);
}

gaussians::Cloud small_cloud() {
  gaussians::Cloud cloud = test::random_cloud(400, 1);
  cloud.means = cloud.means * 0.3;
  cloud.log_scales = cloud.log_scales * 0.3 - 3;
  return cloud;
}

TEST(Framing, HoldsAnAssetOfAnyScaleAndPlaceTheSameWay) {
  const gaussians::Cloud cloud = small_cloud();
  gaussians::Cloud moved = cloud;
  const double scale = 250;
  moved.means = cloud.means * scale + torch::tensor({1000.0f, -300.0f, 50.0f});
  moved.log_scales = cloud.log_scales + std::log(scale);
  const Camera camera = orbit_camera(75, 20, 3.5, 0.55, 64, 64);
  const double radius = framed_radius(3.5, camera.tan_half_fov_y);
  gaussians::ViewRenderer renderer;
  std::vector<torch::Tensor> pictures;
  for (const gaussians::Cloud& each : {cloud, moved}) {
    const gaussians::Cloud in_frame = framed(each, *visible_bounds(each), radius);
    const Bounds bounds = *visible_bounds(in_frame);
    EXPECT_NEAR(bounds.radius, radius, 1e-3);
    for (const double c : bounds.centre) EXPECT_NEAR(c, 0, 1e-3);
    pictures.push_back(view_picture(gaussians::activate(in_frame, {.active_degree = 1}), camera,
                                    {.channels = {Channel::kRgb}}, renderer));
  }
  EXPECT_LT((pictures[0] - pictures[1]).abs().max().item<double>(), 0.02);
  EXPECT_GT((pictures[0] - 1).abs().mean().item<double>(), 0.02) << "something is in the picture";
}

TEST(Framing, TheWholeAssetIsInThePictureAndFillsIt) {
  const gaussians::Cloud cloud = small_cloud();
  const Camera camera = orbit_camera(90, 0, 3.5, 0.55, 128, 64);
  const double radius = framed_radius(3.5, std::min(camera.tan_half_fov_x, camera.tan_half_fov_y));
  gaussians::ViewRenderer renderer;
  const torch::Tensor alpha =
      renderer
          .forward(0, gaussians::activate(framed(cloud, *visible_bounds(cloud), radius), {.active_degree = 1}), camera,
                   {0, 0, 0})
          .alpha[0];  // [64,128]
  const torch::Tensor rows = std::get<0>(alpha.max(1));
  EXPECT_LT(rows[0].item<float>(), 0.3f);
  EXPECT_LT(rows[63].item<float>(), 0.3f);
  EXPECT_GT(rows.narrow(0, 4, 8).max().item<float>(), 0.3f);
}

TEST(Framing, FloatersAndTransparentGaussiansDoNotCount) {
  const gaussians::Cloud cloud = small_cloud();
  gaussians::Cloud with_floaters = cloud;
  const int64_t n = cloud.count();
  with_floaters.means = torch::cat({cloud.means, torch::full({n + 1, 3}, 500.0f)});
  with_floaters.opacity_logits = torch::cat({cloud.opacity_logits, torch::full({n, 1}, -20.0f), torch::zeros({1, 1})});
  with_floaters.log_scales = torch::cat({cloud.log_scales, cloud.log_scales, cloud.log_scales.slice(0, 0, 1)});
  const Bounds plain = *visible_bounds(cloud), other = *visible_bounds(with_floaters);
  EXPECT_NEAR(other.radius, plain.radius, 0.1 * plain.radius);
  for (size_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(other.centre[axis], plain.centre[axis], 0.1 * plain.radius);
}

TEST(Framing, NothingVisibleHasNoBounds) {
  gaussians::Cloud cloud = small_cloud();
  cloud.opacity_logits = torch::full_like(cloud.opacity_logits, -20.0f);
  EXPECT_FALSE(visible_bounds(cloud).has_value());
}

}  // namespace
}  // namespace lucid::asset
