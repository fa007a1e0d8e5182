// SPDX-License-Identifier: Apache-2.0
// Cameras lie evenly on their sphere; each picture is the one that the rasteriser gives for its camera alone.
#include "lucid/mesh/cloud_pictures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lucid/math/vec.h"

namespace lucid::mesh {
namespace {

TEST(CloudPictures, CamerasAreSpreadEvenly) {
  const std::vector<Camera> cameras = cameras_around(64, 4, 0.7, 32, 0.25);
  ASSERT_EQ(cameras.size(), 64u);
  double least = 10;
  for (size_t i = 0; i < cameras.size(); ++i) {
    EXPECT_DOUBLE_EQ(cameras[i].radius, 4);
    for (size_t k = 0; k < i; ++k) {
      const auto at = [](const Camera& c) {
        const double t = c.theta * M_PI / 180, p = c.phi * M_PI / 180;
        return Vec3<double>{std::sin(t) * std::sin(p), std::sin(t) * std::cos(p), std::cos(t)};
      };
      least = std::min(least, std::acos(std::clamp(dot(at(cameras[i]), at(cameras[k])), -1.0, 1.0)));
    }
  }
  EXPECT_GT(least, 0.75 * std::sqrt(4 * M_PI / 64));  // radians; the side of a square of an equal share of the sphere
  EXPECT_NE(cameras[3].phi, cameras_around(64, 4, 0.7, 32, 0.75)[3].phi);
}

TEST(CloudPictures, EachPictureIsTheOneOfItsCamera) {
  const float means[] = {0, 0, 0, 0.4f, 0.1f, 0.2f}, scales[] = {0.1f, 0.2f, 0.1f, 0.05f, 0.1f, 0.2f};
  const float quats[] = {1, 0, 0, 0, 0.5f, 0.5f, 0, 0}, opacities[] = {0.9f, 0.5f}, sh[] = {1, 0, -1, 0.5f, 0.2f, 1};
  const render::CloudView<float> cloud = {
      .count = 2, .sh_degree = 0, .means = means, .scales = scales, .quats = quats, .opacities = opacities, .sh = sh};
  const std::vector<Camera> cameras = cameras_around(11, 4, 0.7, 24, 0);
  const std::vector<CloudPicture> pictures = render_pictures(cloud, cameras);
  ASSERT_EQ(pictures.size(), 11u);
  render::CpuRasterizer rasterizer;
  for (const CloudPicture& picture : pictures) {
    std::vector<float> rgb(3 * 24 * 24), depth(24 * 24), alpha(24 * 24);
    rasterizer.forward(0, cloud, picture.camera, {0, 0, 0},
                       {.rgb = rgb.data(), .depth = depth.data(), .alpha = alpha.data()});
    EXPECT_EQ(picture.rgb, rgb);
    EXPECT_EQ(picture.alpha, alpha);
    EXPECT_EQ(picture.depth, depth);
    EXPECT_GT(alpha[24 * 12 + 12], 0.5f);
  }
}

TEST(CloudPictures, PsnrIsOfPicturesOverWhite) {
  CloudPicture empty, grey;  // two pixels
  empty.rgb = std::vector<float>(6), empty.alpha = {0, 0};
  grey.rgb = {0.9f, 0, 0.9f, 0, 0.9f, 0}, grey.alpha = {1, 0};  // one is 0.9 where the other is white
  EXPECT_NEAR(psnr({empty}, {grey}), -10 * std::log10(0.01 / 2), 1e-5);
  EXPECT_TRUE(std::isinf(psnr({grey}, {grey})));
  grey.rgb = {1.5f, 0, 1.5f, 0, 1.5f, 0};  // shown as white
  EXPECT_TRUE(std::isinf(psnr({empty}, {grey})));
}

}  // namespace
}  // namespace lucid::mesh
