// SPDX-License-Identifier: Apache-2.0
// Tests of the 3D filter's size.
#include "lucid/train/smoothing.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lucid::train {
namespace {

TEST(Filter3d, IsAShareOfAPixelInTheViewThatSamplesMostFinely) {
  constexpr double kFov = 0.6;
  const double tangent = std::tan(kFov / 2);
  const std::vector<Camera> far{orbit_camera(90, 0, 4, kFov, 100, 100)};  // on the y axis
  const std::vector<Camera> both{far[0], orbit_camera(90, 90, 3, kFov, 100, 100)};
  const torch::Tensor means = torch::tensor({{0.0F, 0.0F, 0.0F}, {0.0F, 0.5F, 0.0F}});
  const torch::Tensor alone = filter_3d(means, far, 0.25);
  EXPECT_EQ(alone.sizes(), (std::vector<int64_t>{2, 1}));
  EXPECT_NEAR(alone[0].item<double>(), 0.5 * 4 * 2 * tangent / 100, 1e-6);
  EXPECT_NEAR(alone[1].item<double>(), 0.5 * 3.5 * 2 * tangent / 100, 1e-6);
  EXPECT_NEAR(filter_3d(means, both, 0.25)[1].item<double>(), 0.5 * 3 * 2 * tangent / 100, 1e-6);
  // Twice the pixels, half the filter.
  EXPECT_NEAR(filter_3d(means, {{orbit_camera(90, 0, 4, kFov, 200, 200)}}, 0.25)[0].item<double>(),
              0.5 * 4 * 2 * tangent / 200, 1e-6);
}

TEST(Filter3d, AGaussianThatNoViewShowsGetsTheLargestOfTheOthers) {
  const std::vector<Camera> views{orbit_camera(90, 0, 4, 0.6, 100, 100)};
  const double edge = 4 * std::tan(0.3);
  const torch::Tensor means = torch::tensor({{0.0F, 0.0F, 0.0F},                            // in the middle
                                             {static_cast<float>(edge * 1.1), 0.0F, 0.0F},  // just beside the picture
                                             {static_cast<float>(edge * 1.2), 1.0F, 0.0F},  // too far beside it
                                             {0.0F, 9.0F, 0.0F},                            // behind the camera
                                             {0.0F, 3.9F, 0.0F}});                          // before the near plane
  const torch::Tensor filter = filter_3d(means, views, 1);
  const double pixel = 4 * 2 * std::tan(0.3) / 100;
  for (int64_t n = 0; n < 5; ++n) EXPECT_NEAR(filter[n].item<double>(), pixel, 1e-6) << n;
}

}  // namespace
}  // namespace lucid::train
