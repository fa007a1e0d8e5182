// SPDX-License-Identifier: Apache-2.0
// Tests of the refining stage: which steps are its rounds, its loss, and what a round does to a cloud.
#include "lucid/train/refine.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lucid::train {
namespace {

TEST(Refining, RoundsFollowTheStepsAndAreRepeatedAfterMoreSteps) {
  TrainOptions options;
  options.iterations = 10;
  EXPECT_EQ(options.all_steps(), 10);
  EXPECT_EQ(options.refining_round(10), -1);
  EXPECT_EQ(options.refining_round(11), -1);
  options.refine.iter = 2;
  EXPECT_EQ(options.all_steps(), 12);
  options.more_steps = 3;
  EXPECT_EQ(options.all_steps(), 17);
  const std::vector<int64_t> rounds{-1, -1, 0, 1, -1, -1, -1, 0, 1, -1};
  for (int64_t step = 9; step <= 18; ++step) {
    EXPECT_EQ(options.refining_round(step), rounds[static_cast<size_t>(step - 9)]) << step;
  }
}

/// SSIM of one channel at one pixel, by the definition; outside the picture is 0.
double ssim_at(const torch::Tensor& x, const torch::Tensor& y, int64_t row, int64_t column) {
  double weights = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (int64_t dr = -5; dr <= 5; ++dr) {
    for (int64_t dc = -5; dc <= 5; ++dc) weights += std::exp(-static_cast<double>(dr * dr + dc * dc) / 4.5);
  }
  for (int64_t dr = -5; dr <= 5; ++dr) {
    for (int64_t dc = -5; dc <= 5; ++dc) {
      const int64_t r = row + dr, c = column + dc;
      if (r < 0 || c < 0 || r >= x.size(0) || c >= x.size(1)) continue;
      const double w = std::exp(-static_cast<double>(dr * dr + dc * dc) / 4.5) / weights;
      const double a = x[r][c].item<double>(), b = y[r][c].item<double>();
      mx += w * a;
      my += w * b;
      xx += w * a * a;
      yy += w * b * b;
      xy += w * a * b;
    }
  }
  return (2 * mx * my + 1e-4) * (2 * (xy - mx * my) + 9e-4) /
         ((mx * mx + my * my + 1e-4) * (xx - mx * mx + yy - my * my + 9e-4));
}

TEST(StructuralDissimilarity, FollowsItsDefinition) {
  torch::manual_seed(3);
  const torch::Tensor x = torch::rand({1, 2, 14, 9}, torch::kDouble), y = 0.7 * x + 0.2 * torch::rand_like(x);
  double sum = 0;
  for (int64_t channel = 0; channel < 2; ++channel) {
    for (int64_t r = 0; r < 14; ++r) {
      for (int64_t c = 0; c < 9; ++c) sum += ssim_at(x[0][channel], y[0][channel], r, c);
    }
  }
  EXPECT_NEAR(structural_dissimilarity(x, y).item<double>(), 1 - sum / (2 * 14 * 9), 1e-9);
  EXPECT_NEAR(structural_dissimilarity(x, x).item<double>(), 0, 1e-12);
}

}  // namespace
}  // namespace lucid::train
