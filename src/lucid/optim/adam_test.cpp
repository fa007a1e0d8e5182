// SPDX-License-Identifier: Apache-2.0
// Tests of Adam (against torch's Adam; moments of rows that appear and disappear) and of the learning rates.
#include "lucid/optim/adam.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lucid::optim {
namespace {

using gaussians::Cloud;
using gaussians::CloudGradient;

Cloud random_cloud(int64_t n, int64_t k) {
  return {.means = torch::randn({n, 3}),
          .sh_dc = torch::randn({n, 1, 3}),
          .sh_rest = torch::randn({n, k, 3}),
          .opacity_logits = torch::randn({n, 1}),
          .log_scales = torch::randn({n, 3}),
          .quats = torch::randn({n, 4})};
}

CloudGradient random_gradient(const Cloud& cloud, double size) {
  CloudGradient gradient = CloudGradient::zeros_like(cloud);
  for (torch::Tensor& g : gradient.raw) g.normal_().mul_(size);
  return gradient;
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return a.numel() == 0 ? 0 : (a - b).abs().max().item<double>();
}

TEST(Adam, MatchesTorchOverManySteps) {
  torch::manual_seed(1);
  constexpr std::array<double, Cloud::kGroups> kRates = {1e-3, 5e-3, 2.5e-4, 5e-2, 5e-3, 1e-3};
  for (const int64_t k : {0, 3}) {
    Cloud cloud = random_cloud(7001, k);  // more than one block of the fused loop
    std::vector<torch::optim::OptimizerParamGroup> groups;
    std::vector<torch::Tensor> theirs;
    for (int g = 0; g < Cloud::kGroups; ++g) {
      theirs.push_back(cloud.parameters()[g]->clone().requires_grad_(true));
      groups.emplace_back(std::vector<torch::Tensor>{theirs[g]},
                          std::make_unique<torch::optim::AdamOptions>(
                              torch::optim::AdamOptions(kRates[g]).betas(std::make_tuple(0.9, 0.999)).eps(1e-15)));
    }
    torch::optim::Adam expected(groups, torch::optim::AdamOptions(1e-3));
    Adam ours(cloud);
    for (int step = 0; step < 20; ++step) {
      const CloudGradient gradient = random_gradient(cloud, std::pow(10.0, -(step % 8)));
      for (int g = 0; g < Cloud::kGroups; ++g) theirs[g].mutable_grad() = gradient.raw[g].clone();
      expected.step();
      ours.step(cloud, gradient, kRates);
    }
    EXPECT_EQ(ours.steps, 20);
    for (int g = 0; g < Cloud::kGroups; ++g) {
      EXPECT_LE(largest_difference(*cloud.parameters()[g], theirs[g].detach()), 2e-6) << Cloud::kNames[g];
    }
  }
}

TEST(Adam, TensorPathAgreesWithTheFusedLoop) {
  torch::manual_seed(2);
  const AdamScalars scalars{.beta2 = 0.999F,
                            .one_minus_beta1 = 0.1F,
                            .one_minus_beta2 = 0.001F,
                            .root_correction = 0.05F,
                            .step_size = 0.01F,
                            .eps = 1e-15F};
  torch::Tensor p = torch::randn({1003}), m = 0.1 * torch::randn({1003}), v = 0.01 * torch::rand({1003});
  torch::Tensor p2 = p.clone(), m2 = m.clone(), v2 = v.clone();
  const torch::Tensor g = torch::randn({1003});
  adam_update(p.data_ptr<float>(), g.data_ptr<float>(), m.data_ptr<float>(), v.data_ptr<float>(), 1003, scalars);
  adam_update_tensors(p2, g, m2, v2, scalars);
  EXPECT_LE(largest_difference(p, p2), 1e-6);
  EXPECT_LE(largest_difference(m, m2), 1e-7);
  EXPECT_LE(largest_difference(v, v2), 1e-7);
}

TEST(Adam, NoGradientMovesNothing) {
  Cloud cloud = random_cloud(10, 0);
  const torch::Tensor before = cloud.means.clone();
  Adam adam(cloud);
  adam.step(cloud, CloudGradient::zeros_like(cloud), LearningRates{}.at(1));
  EXPECT_TRUE(cloud.means.equal(before));  // 0 / (0 + eps), not NaN
}

TEST(Adam, RearrangedRowsKeepTheirMomentsAndNewRowsStartAtZero) {
  Cloud cloud = random_cloud(4, 3);
  Adam adam(cloud);
  adam.step(cloud, random_gradient(cloud, 1), LearningRates{}.at(1));
  const auto m = adam.m, v = adam.v;
  adam.rearrange_rows(torch::tensor({3, -1, 0, 0, -1}, torch::kInt64));
  EXPECT_EQ(adam.steps, 1);
  for (int g = 0; g < Cloud::kGroups; ++g) {
    ASSERT_EQ(adam.m[g].size(0), 5);
    EXPECT_TRUE(adam.m[g][0].equal(m[g][3]));
    EXPECT_TRUE(adam.v[g][2].equal(v[g][0]));
    EXPECT_TRUE(adam.v[g][3].equal(v[g][0]));
    EXPECT_EQ(adam.m[g][1].abs().max().item<float>(), 0);
    EXPECT_EQ(adam.v[g][4].abs().max().item<float>(), 0);
  }
  adam.rearrange_rows(torch::empty({0}, torch::kInt64));
  adam.rearrange_rows(torch::tensor({-1, -1}, torch::kInt64));
  EXPECT_EQ(adam.m[0].size(0), 2);
}

TEST(Adam, ZeroMomentsTouchesOneGroupOnly) {
  Cloud cloud = random_cloud(4, 0);
  Adam adam(cloud);
  adam.step(cloud, random_gradient(cloud, 1), LearningRates{}.at(1));
  adam.zero_moments(Cloud::kOpacityLogits);
  EXPECT_EQ(adam.m[Cloud::kOpacityLogits].abs().max().item<float>(), 0);
  EXPECT_EQ(adam.v[Cloud::kOpacityLogits].abs().max().item<float>(), 0);
  EXPECT_GT(adam.m[Cloud::kMeans].abs().max().item<float>(), 0);
}

TEST(Adam, AnEmptyCloudHasNoMomentsYet) {
  const Adam adam{Cloud{}};
  EXPECT_EQ(adam.steps, 0);
  for (const torch::Tensor& m : adam.m) EXPECT_FALSE(m.defined());
}

TEST(Adam, RefusesAGradientOfAnotherShape) {
  Cloud cloud = random_cloud(4, 0);
  Adam adam(cloud);
  EXPECT_THROW(adam.step(cloud, CloudGradient::zeros_like(random_cloud(5, 0)), LearningRates{}.at(1)),
               std::logic_error);
}

TEST(LearningRates, DecayFromFirstToLastAndStopThere) {
  LearningRates rates;
  rates.spatial_lr_scale = 2;
  const auto first = rates.at(0), middle = rates.at(2500), last = rates.at(5000), beyond = rates.at(9000);
  EXPECT_NEAR(first[Cloud::kMeans], 3.2e-4, 1e-15);
  EXPECT_NEAR(last[Cloud::kMeans], 3.2e-6, 1e-17);
  EXPECT_NEAR(middle[Cloud::kShDc], std::sqrt(0.005 * 0.003), 1e-15);
  EXPECT_NEAR(last[Cloud::kLogScales], 0.001, 1e-15);
  EXPECT_NEAR(last[Cloud::kQuats], 0.0002, 1e-15);
  EXPECT_EQ(first[Cloud::kShRest], 0.005 / 20);
  EXPECT_EQ(last[Cloud::kShRest], 0.005 / 20);
  EXPECT_EQ(last[Cloud::kOpacityLogits], 0.05);
  EXPECT_EQ(last, beyond);
}

TEST(LearningRates, ARunWithoutIterationsHasTheLastRates) {
  LearningRates rates;
  rates.iterations = 0;
  EXPECT_NEAR(rates.at(0)[Cloud::kLogScales], 0.001, 1e-15);
  EXPECT_NEAR(rates.at(7)[Cloud::kQuats], 0.0002, 1e-15);
}

TEST(LearningRates, ZeroIsAllowed) {
  LearningRates rates;
  rates.position_lr_init = rates.position_lr_final = 0;
  rates.feature_lr = 0;
  EXPECT_EQ(rates.at(100)[Cloud::kMeans], 0);
  EXPECT_EQ(rates.at(100)[Cloud::kShDc], 0);
}

}  // namespace
}  // namespace lucid::optim
