// SPDX-License-Identifier: Apache-2.0
// Weights of single Gaussians, in front and hidden, against rendered alpha.
#include "lucid/mesh/seen_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "lucid/mesh/cloud_pictures.h"

namespace lucid::mesh {
namespace {

TEST(SeenWeights, AreTheSumsOfAlphaOfTheViewThatShowsMost) {
  const float mean[] = {0, 0, 0}, scale[] = {0.3f, 0.1f, 0.1f}, quat[] = {1, 0, 0, 0}, opacity[] = {0.8f},
              sh[] = {9, 9, 9};
  const render::CloudView<float> cloud = {
      .count = 1, .means = mean, .scales = scale, .quats = quat, .opacities = opacity, .sh = sh};
  const std::vector<Camera> cameras = cameras_around(7, 4, 0.7, 64, 0);
  double most = 0;
  for (const CloudPicture& picture : render_pictures(cloud, cameras))
    most = std::max(most, std::accumulate(picture.alpha.begin(), picture.alpha.end(), 0.0));
  EXPECT_GT(most, 10);
  EXPECT_NEAR(seen_weights(cloud, cameras)[0], most, 1e-3 * most);
}

TEST(SeenWeights, WhatIsInsideAnOpaqueShellIsNotSeen) {
  std::vector<float> means = {0, 0, 0}, scales = {0.1f, 0.1f, 0.1f}, quats = {1, 0, 0, 0}, opacities = {1};
  for (const Camera& camera : cameras_around(400, 1, 0.7, 8, 0)) {  // centres of the shell's Gaussians
    const auto& m = camera.camera_from_world;                       // the camera's centre is -R^T t
    for (size_t i = 0; i < 3; ++i)
      means.push_back(static_cast<float>(-(m[i] * m[3] + m[4 + i] * m[7] + m[8 + i] * m[11])));
    scales.insert(scales.end(), {0.2f, 0.2f, 0.2f});
    quats.insert(quats.end(), {1, 0, 0, 0});
    opacities.push_back(1);
  }
  const std::vector<float> sh(3 * opacities.size());
  const render::CloudView<float> cloud = {.count = static_cast<int64_t>(opacities.size()),
                                          .means = means.data(),
                                          .scales = scales.data(),
                                          .quats = quats.data(),
                                          .opacities = opacities.data(),
                                          .sh = sh.data()};
  const std::vector<float> seen = seen_weights(cloud, cameras_around(24, 5, 0.7, 64, 0));
  EXPECT_LT(seen[0], 0.01f);
  for (size_t i = 1; i < seen.size(); ++i) EXPECT_GT(seen[i], 0.5f) << i;
}

}  // namespace
}  // namespace lucid::mesh
