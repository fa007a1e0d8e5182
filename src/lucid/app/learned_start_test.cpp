// SPDX-License-Identifier: Apache-2.0
// Which start a run gets, and the Gaussians of the learned one.
#include "lucid/app/learned_start.h"

#include <gtest/gtest.h>

#include "lucid/app/run_options/start_kinds.h"
#include "lucid/math/sh.h"

namespace lucid::app {
namespace {

std::string resolved(const std::string& kind, const std::string& text, const std::string& pointe = "") {
  RunOptions options;
  options.train.start.kind = kind;
  options.text = text;
  options.pointe = pointe;
  resolve_start(options);
  return options.train.start.kind;
}

TEST(LearnedStart, AutoIsPointEThenTheModelThenASphere) {
  EXPECT_EQ(resolved(kAutoStart, "a green toaster"), kLearnedStart);
  EXPECT_EQ(resolved(kAutoStart, "a green toaster", "folder"), kPointE);
  EXPECT_EQ(resolved(kAutoStart, "a zeppelin"), "sphere");
  EXPECT_EQ(resolved(kLearnedStart, "a zeppelin"), "sphere");
  EXPECT_EQ(resolved(kLearnedStart, "a toaster", "folder"), kLearnedStart);
  EXPECT_EQ(resolved("box", "a toaster", "folder"), "box");
}

TEST(LearnedStart, FillsTheBallThatTheRadiusMeans) {
  RunOptions options;
  options.text = "a snowman";
  options.train.start.count = 2000;
  options.train.start.radius = 0.7;
  options.train.start.opacity = 0.3;
  const gaussians::Cloud cloud = learned_start(options).cloud;
  ASSERT_EQ(cloud.count(), 2000);
  const double farthest = cloud.means.norm(2, 1).max().item<double>();
  EXPECT_GT(farthest, 0.85);
  EXPECT_LT(farthest, 1.08);
  EXPECT_TRUE(torch::sigmoid(cloud.opacity_logits).allclose(torch::full({2000, 1}, 0.3)));
  EXPECT_TRUE(cloud.means.equal(learned_start(options).cloud.means));
  options.train.start.radius = 0.35;
  EXPECT_TRUE(learned_start(options).cloud.means.allclose(0.5 * cloud.means));
  options.seed = 1;
  EXPECT_FALSE(learned_start(options).cloud.means.allclose(0.5 * cloud.means));
}

/// Mean colour of the learned points.
torch::Tensor colour_of(const std::string& text) { return learned_points(text, 4000, 0)->points.rgb.mean(0); }

TEST(LearnedStart, TakesTheColourOfThePrompt) {
  const torch::Tensor red = colour_of("a red mug"), green = colour_of("a green mug");
  EXPECT_GT((red[0] - green[0]).item<double>(), 0.15);
  EXPECT_GT((green[1] - red[1]).item<double>(), 0.1);
  EXPECT_FALSE(learned_points("a zeppelin", 100, 0));
}

}  // namespace
}  // namespace lucid::app
