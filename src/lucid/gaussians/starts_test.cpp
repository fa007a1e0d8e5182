// SPDX-License-Identifier: Apache-2.0
// Tests of the initial clouds: every shape in the table (counts, bounds, tensor shapes, repeatability), and nearest
// neighbours against brute force.
#include "lucid/gaussians/starts.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "lucid/base/error.h"

namespace lucid::gaussians {
namespace {

class Starts : public testing::TestWithParam<std::string> {};

TEST_P(Starts, FillTheirBoundsWithAWholeCloud) {
  for (const double radius : {0.5, 1.0}) {
    const StartOptions options{.kind = GetParam(), .count = 4000, .radius = radius, .sh_degree = 2, .seed = 5};
    const Cloud cloud = make_start(options);
    const auto half = start_bounds(options);
    for (int axis = 0; axis < 3; ++axis) {
      const double reach = cloud.means.select(1, axis).abs().max().item<double>();
      EXPECT_LE(reach, half[axis] * (1 + 1e-6));
      EXPECT_GE(reach, half[axis] * 0.9);
    }
    EXPECT_EQ(cloud.count(), 4000);
    EXPECT_EQ(cloud.sh_degree(), 2);
    EXPECT_EQ(cloud.sh_dc.sizes(), (std::vector<int64_t>{4000, 1, 3}));
    EXPECT_GE(cloud.sh_dc.min().item<double>(), 0);
    EXPECT_LE(cloud.sh_dc.max().item<double>(), 1.0 / 255);
    EXPECT_GT(cloud.sh_dc.std().item<double>(), 0.2 / 255);
    EXPECT_EQ(cloud.sh_rest.abs().max().item<float>(), 0);
    EXPECT_TRUE(torch::allclose(cloud.opacity_logits.sigmoid(), torch::full({4000, 1}, 0.1)));
    EXPECT_TRUE(cloud.quats.equal(torch::tensor({1.F, 0.F, 0.F, 0.F}).expand({4000, 4})));
    EXPECT_TRUE(cloud.log_scales.equal(nearest_neighbour_log_scales(cloud.means)));
    for (const torch::Tensor* x : cloud.parameters()) {
      EXPECT_TRUE(x->is_contiguous());
      EXPECT_EQ(x->scalar_type(), torch::kFloat32);
      EXPECT_TRUE(x->isfinite().all().item<bool>());
    }
  }
}

TEST_P(Starts, RepeatFromTheirSeed) {
  StartOptions options{.kind = GetParam(), .count = 500, .seed = 5};
  const Cloud a = make_start(options), b = make_start(options);
  options.seed = 6;
  const Cloud other = make_start(options);
  for (int g = 0; g < Cloud::kGroups; ++g) EXPECT_TRUE(a.parameters()[g]->equal(*b.parameters()[g]));
  EXPECT_FALSE(a.means.equal(other.means));
  EXPECT_FALSE(a.sh_dc.equal(other.sh_dc));
}

INSTANTIATE_TEST_SUITE_P(Registry, Starts, testing::ValuesIn(start_names()), [](const auto& p) { return p.param; });

TEST(StartPoints, SphereHasUniformRadiiAndSceneIsAShell) {
  const torch::Tensor ball = make_start({.kind = "sphere", .count = 20000, .radius = 0.8}).means.norm(2, 1);
  EXPECT_LE(ball.max().item<double>(), 0.8 + 1e-6);
  EXPECT_NEAR(ball.mean().item<double>(), 0.4, 0.01);
  const torch::Tensor shell = make_start({.kind = "scene", .count = 20000, .scene_radius = 2}).means.norm(2, 1);
  EXPECT_GE(shell.min().item<double>(), 6 - 1e-5);
  EXPECT_LE(shell.max().item<double>(), 7 + 1e-5);
}

TEST(StartPoints, MistakesSayWhatIsPossible) {
  try {
    make_start({.kind = "blob"});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(error.mistake().hint.find("rectangle_z"), std::string::npos);
  }
  EXPECT_THROW(make_start({.count = 0}), UserError);
  EXPECT_THROW(make_start({.count = 10, .radius = 0}), UserError);
  EXPECT_THROW(make_start({.count = 10, .opacity = 1}), UserError);
  EXPECT_THROW(make_start({.count = 10, .sh_degree = 4}), UserError);
}

TEST(NearestNeighbours, MatchBruteForce) {
  torch::manual_seed(3);
  const torch::Tensor means = torch::randn({300, 3});
  const torch::Tensor squares = (means.unsqueeze(1) - means.unsqueeze(0)).pow(2).sum(2);
  const torch::Tensor near = std::get<0>(squares.topk(4, 1, /*largest=*/false)).slice(1, 1).mean(1);
  const torch::Tensor expected = (0.5 * near.log()).unsqueeze(1).expand({-1, 3});
  const torch::Tensor ours = nearest_neighbour_log_scales(means);
  EXPECT_EQ(ours.sizes(), means.sizes());
  EXPECT_LE((ours - expected).abs().max().item<double>(), 1e-5);
}

TEST(NearestNeighbours, SurviveDuplicatesAndFewPoints) {
  const double smallest = 0.5 * std::log(1e-7);
  EXPECT_NEAR(nearest_neighbour_log_scales(torch::zeros({2000, 3})).max().item<double>(), smallest, 1e-5);
  EXPECT_NEAR(nearest_neighbour_log_scales(torch::zeros({1, 3})).max().item<double>(), smallest, 1e-5);
  const torch::Tensor pair = torch::tensor({{0.F, 0.F, 0.F}, {0.F, 2.F, 0.F}});
  EXPECT_NEAR(nearest_neighbour_log_scales(pair).min().item<double>(), std::log(2), 1e-6);
  EXPECT_EQ(nearest_neighbour_log_scales(torch::zeros({0, 3})).size(0), 0);
  EXPECT_THROW(nearest_neighbour_log_scales(torch::full({5, 3}, NAN)), std::logic_error);
}

TEST(NearestNeighbours, AHundredThousandPointsTakeWellUnderASecond) {
  const auto begin = std::chrono::steady_clock::now();
  const Cloud cloud = make_start({});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_EQ(cloud.count(), 100000);
  EXPECT_LT(seconds, 10);  // 0.2 s on two idle cores; generous, for sanitizers and busy machines
}

}  // namespace
}  // namespace lucid::gaussians
