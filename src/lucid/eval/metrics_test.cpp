// SPDX-License-Identifier: Apache-2.0
// Tests of the metrics on pictures and logits with known results.
#include "lucid/eval/metrics.h"

#include <gtest/gtest.h>

namespace lucid::eval {
namespace {

const std::vector<double> kAround = {0, 45, 90, 135, 180, 225, 270, 315};

/// Logits that predict sector `of(view)` for each of the eight views.
template <class Of>
torch::Tensor seeing(const Of& of) {
  const torch::Tensor logits = torch::zeros({kSectors, kSectors});
  for (int64_t view = 0; view < kSectors; ++view) logits[view][of(view)] = 9;
  return logits;
}

TEST(Rank, CountsTheWordsThatAreLikelier) {
  const torch::Tensor logits = torch::tensor({{0.0, 3.0, 1.0}, {0.5, 2.0, 1.5}});
  EXPECT_EQ(rank_of(logits, 1), 1);
  EXPECT_EQ(rank_of(logits, 2), 2);
  EXPECT_EQ(rank_of(logits, 0), 3);
}

TEST(Sharpness, OfARampIsItsSlopeAndTheGroundDoesNotCount) {
  const torch::Tensor ramp = (torch::arange(32) * 0.02).view({1, 1, 1, 32}).expand({1, 3, 32, 32}).contiguous();
  const torch::Tensor all = torch::ones({1, 1, 32, 32});
  EXPECT_NEAR(sharpness(ramp, all), 0.02, 1e-6);
  torch::Tensor left = all.clone();
  left.slice(3, 16) = 0;
  torch::Tensor flat_right = ramp.clone();
  flat_right.slice(3, 18) = 1;
  EXPECT_NEAR(sharpness(flat_right, left), 0.02, 1e-6);
  EXPECT_EQ(sharpness(ramp, torch::zeros_like(all)), 0);
}

TEST(Sharpness, OfTheSurfaceLeavesTheOutlineOut) {
  // A grey square on white, with a ramp inside.
  const torch::Tensor picture = torch::ones({1, 3, 32, 32}), alpha = torch::zeros({1, 1, 32, 32});
  picture.slice(2, 8, 24).slice(3, 8, 24).copy_((torch::arange(16) * 0.01).expand({3, 16, 16}));
  alpha.slice(2, 8, 24).slice(3, 8, 24).fill_(1);
  EXPECT_GT(sharpness(picture, alpha), 0.05);
  EXPECT_NEAR(surface_sharpness(picture, alpha).value(), 0.01, 1e-6);
  alpha.slice(3, 12).fill_(0);  // four pixels wide
  EXPECT_FALSE(surface_sharpness(picture, alpha).has_value());
}

TEST(Sharpness, FallsWithBlur) {
  torch::manual_seed(0);
  const torch::Tensor noise = torch::rand({2, 3, 32, 32});
  const torch::Tensor blurred = torch::avg_pool2d(noise, 3, 1, 1);
  EXPECT_LT(sharpness(blurred, torch::ones({2, 1, 32, 32})), 0.6 * sharpness(noise, torch::ones({2, 1, 32, 32})));
}

TEST(Saturation, OfPureColoursAndGrey) {
  const torch::Tensor red = torch::tensor({1.0F, 0.0F, 0.0F}).view({1, 3, 1, 1}).expand({1, 3, 4, 4});
  EXPECT_NEAR(saturation(red, torch::ones({1, 1, 4, 4})), 1, 1e-6);
  EXPECT_NEAR(saturation(torch::full({1, 3, 4, 4}, 0.4), torch::ones({1, 1, 4, 4})), 0, 1e-6);
}

TEST(Distance, IsZeroForACopyAndKnownForAConstant) {
  torch::manual_seed(0);
  const torch::Tensor real = torch::rand({5, 3, 64, 64});
  EXPECT_NEAR(distance_to_nearest(real.slice(0, 2, 4), real), 0, 1e-3);
  EXPECT_NEAR(distance_to_nearest(torch::full({1, 3, 64, 64}, 0.75), torch::full({3, 3, 64, 64}, 0.5)), 0.25, 1e-5);
}

TEST(Views, AccuracyAllowsTheNeighbouringSector) {
  EXPECT_EQ(view_accuracy(seeing([](int64_t v) { return v; }), kAround), 1);
  EXPECT_EQ(view_accuracy(seeing([](int64_t v) { return (v + 1) % 8; }), kAround), 1);
  EXPECT_EQ(view_accuracy(seeing([](int64_t v) { return (v + 2) % 8; }), kAround), 0);
  EXPECT_EQ(view_accuracy(seeing([](int64_t) { return 0; }), kAround), 3.0 / 8);
  EXPECT_EQ(sides_seen(seeing([](int64_t v) { return (v + 2) % 8; })),
            (std::vector<int64_t>{90, 135, 180, 225, 270, 315, 0, 45}));
}

TEST(Janus, AFrontAtTheBackIsSeen) {
  EXPECT_FALSE(shows_a_second_front(seeing([](int64_t v) { return v; }), kAround));
  EXPECT_TRUE(shows_a_second_front(seeing([](int64_t) { return 0; }), kAround));
  EXPECT_TRUE(shows_a_second_front(seeing([](int64_t v) { return v % 4 == 0 ? 0 : v < 4 ? 1 : 7; }), kAround));
}

TEST(Bootstrap, IntervalHoldsTheMeanAndNarrowsWithTheCount) {
  std::vector<double> few, many;
  for (int i = 0; i < 10; ++i) few.push_back(i % 2);
  for (int i = 0; i < 1000; ++i) many.push_back(i % 2);
  const Interval a = bootstrap_mean(few), b = bootstrap_mean(many);
  EXPECT_EQ(a.mean, 0.5);
  EXPECT_LT(a.low, 0.5);
  EXPECT_GT(a.high, 0.5);
  EXPECT_NEAR(b.high - b.low, 2 * 1.96 * 0.5 / std::sqrt(1000.0), 0.005);
  EXPECT_GT(a.high - a.low, 5 * (b.high - b.low));
}

}  // namespace
}  // namespace lucid::eval
