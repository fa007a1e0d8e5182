// SPDX-License-Identifier: Apache-2.0
// Which Gaussians are split before a fit to enlarged pictures.
#include "lucid/train/enlarge.h"

#include <gtest/gtest.h>

#include "lucid/gaussians/starts.h"

namespace lucid::train {
namespace {

/// A view from a distance of 2 whose pixels are 2 / 100 wide at the origin.
Camera front_view() {
  Camera camera{.tan_half_fov_x = 0.5, .tan_half_fov_y = 0.5, .width = 100, .height = 100};
  camera.camera_from_world = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1};
  return camera;
}

Model two_gaussians() {
  Model model = start_model(gaussians::make_start({.count = 2, .opacity = 0.5}));
  model.cloud.means.zero_();
  model.cloud.log_scales.fill_(std::log(0.001));
  model.cloud.log_scales[1][2] = std::log(0.03);  // 1.5 pixels along z
  return model;
}

TEST(Enlarging, SplitsWhatIsWiderThanThePixels) {
  const Camera camera = front_view();
  Model model = two_gaussians();
  model.stats.max_radii.fill_(7);
  EXPECT_EQ(split_wide(model, std::span(&camera, 1), {}), 1);
  EXPECT_EQ(model.cloud.count(), 3);
  EXPECT_EQ(model.stats.max_radii.numel(), 3);
  EXPECT_EQ(model.stats.max_radii.sum().item<float>(), 0);
  const torch::Tensor largest = std::get<0>(model.cloud.log_scales.exp().max(1));
  EXPECT_NEAR(largest[0].item<float>(), 0.001, 1e-6);
  // Side by side along z, and together as wide as before.
  for (const int64_t child : {1, 2}) {
    EXPECT_NEAR(largest[child].item<float>(), 0.03 * 0.66, 1e-6);
    EXPECT_NEAR(std::abs(model.cloud.means[child][2].item<float>()), 0.03 * 0.75, 1e-6);
    EXPECT_EQ(model.cloud.means[child][0].item<float>(), 0);
    EXPECT_NEAR(model.cloud.log_scales[child][0].item<float>(), std::log(0.001), 1e-5) << "no thinner";
  }
  EXPECT_NEAR((model.cloud.means[1] + model.cloud.means[2]).abs().max().item<float>(), 0, 1e-7);
  EXPECT_EQ(split_wide(model, std::span(&camera, 1), {}), 0) << "narrow enough now";
  const std::vector<Camera> large = enlarged({camera}, 4);
  EXPECT_EQ(large[0].width, 400);
  EXPECT_EQ(large[0].height, 400);
  EXPECT_EQ(split_wide(model, large, {}), 2) << "but not for four times the pixels";
}

TEST(Enlarging, KeepsToTheLargestNumberOfGaussians) {
  const Camera camera = front_view();
  Model model = two_gaussians();
  TrainOptions by_option, by_memory;
  by_option.densify.max_gaussians = by_memory.densify.most_in_memory = 2;
  for (const TrainOptions& options : {by_option, by_memory}) {
    EXPECT_EQ(split_wide(model, std::span(&camera, 1), options), 0);
    EXPECT_EQ(model.cloud.count(), 2);
  }
}

}  // namespace
}  // namespace lucid::train
