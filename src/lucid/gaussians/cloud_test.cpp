// SPDX-License-Identifier: Apache-2.0
// Tests of Cloud: activations, and their chain rule against torch's autograd.
#include "lucid/gaussians/cloud.h"

#include <gtest/gtest.h>

namespace lucid::gaussians {
namespace {

Cloud random_cloud(int64_t n, int degree) {
  torch::manual_seed(11);
  const int64_t k = (degree + 1) * (degree + 1) - 1;
  return {.means = torch::randn({n, 3}),
          .sh_dc = torch::randn({n, 1, 3}),
          .sh_rest = torch::randn({n, k, 3}),
          .opacity_logits = 2 * torch::randn({n, 1}),
          .log_scales = torch::randn({n, 3}) - 3,
          .quats = torch::randn({n, 4})};
}

/// The same gradients by torch's autograd in double: the loss is the sum of every output times its upstream gradient.
std::array<torch::Tensor, Cloud::kGroups> by_autograd(const Cloud& cloud, const Augmentation& a,
                                                      const ActivatedGradient& d) {
  std::array<torch::Tensor, Cloud::kGroups> leaf;
  for (int g = 0; g < Cloud::kGroups; ++g) {
    leaf[g] = cloud.parameters()[g]->to(torch::kFloat64).clone().requires_grad_(true);
  }
  torch::Tensor scales = leaf[Cloud::kLogScales].exp();
  torch::Tensor sh = torch::cat({leaf[Cloud::kShDc], leaf[Cloud::kShRest]}, 1);
  if (a.scale_factor.defined()) scales = scales * a.scale_factor;
  torch::Tensor opacities = leaf[Cloud::kOpacityLogits].sigmoid().squeeze(1);
  if (cloud.filter_3d.defined()) {
    const torch::Tensor wide = (scales.square() + cloud.filter_3d.to(torch::kFloat64).square()).sqrt();
    opacities = opacities * scales.prod(1) / wide.prod(1);
    scales = wide;
  }
  sh = sh.slice(1, 0, (a.active_degree + 1) * (a.active_degree + 1));
  if (a.sh_noise.defined()) sh = sh + a.sh_noise;
  const torch::Tensor loss = (leaf[Cloud::kMeans] * d.means).sum() + (sh * d.sh).sum() +
                             (opacities * d.opacities).sum() + (scales * d.scales).sum() +
                             (leaf[Cloud::kQuats] * d.quats).sum();
  loss.backward();
  std::array<torch::Tensor, Cloud::kGroups> result;
  for (int g = 0; g < Cloud::kGroups; ++g) {
    result[g] = leaf[g].grad().defined() ? leaf[g].grad() : torch::zeros_like(leaf[g]);
  }
  return result;
}

void fill(ActivatedGradient& d) {
  for (torch::Tensor* x : {&d.means, &d.scales, &d.quats, &d.opacities, &d.sh, &d.means2d_ndc}) x->normal_();
}

TEST(Cloud, ChainRuleMatchesAutogradOverTwoViews) {
  constexpr int64_t kCount = 50;
  for (int stored = 0; stored <= 3; ++stored) {
    for (int active = 0; active <= stored; ++active) {
      for (const auto& [augmented, filtered] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
        SCOPED_TRACE(testing::Message() << "SH " << active << " of " << stored << ", augmented " << augmented
                                        << ", filtered " << filtered);
        Cloud cloud = random_cloud(kCount, stored);
        if (filtered) cloud.filter_3d = 0.2 * torch::rand({kCount, 1});  // about as wide as the Gaussians
        CloudGradient total = CloudGradient::zeros_like(cloud);
        std::array<torch::Tensor, Cloud::kGroups> expected;
        for (int view = 0; view < 2; ++view) {
          Augmentation a{.active_degree = active};
          if (augmented) {
            a.scale_factor = 1 + 0.1 * torch::randn({kCount, 3});
            a.sh_noise = torch::randn({kCount, (active + 1) * (active + 1), 3});
          }
          const Activated activated = activate(cloud, a);
          ActivatedGradient d = ActivatedGradient::like(activated);
          fill(d);
          activate_backward(cloud, activated, a, d, total);
          const auto once = by_autograd(cloud, a, d);
          for (int g = 0; g < Cloud::kGroups; ++g) expected[g] = view == 0 ? once[g] : expected[g] + once[g];
          EXPECT_TRUE(total.means2d_ndc.equal(d.means2d_ndc));
        }
        for (int g = 0; g < Cloud::kGroups; ++g) {
          SCOPED_TRACE(Cloud::kNames[g]);
          ASSERT_EQ(total.raw[g].sizes(), expected[g].sizes());
          if (expected[g].numel() == 0) continue;
          const double error = (total.raw[g] - expected[g]).abs().max().item<double>();
          EXPECT_LE(error, 1e-6 * std::max(1.0, expected[g].abs().max().item<double>()));
        }
      }
    }
  }
}

TEST(Cloud, ActivatesToLinearValuesThatTheRasteriserCanRead) {
  const Cloud cloud = random_cloud(9, 2);
  Augmentation a{.scale_factor = torch::full({9, 3}, 2.0), .active_degree = 1};
  const Activated activated = activate(cloud, a);
  EXPECT_TRUE(torch::allclose(activated.scales, 2 * cloud.log_scales.exp()));
  EXPECT_TRUE(torch::allclose(activated.opacities, cloud.opacity_logits.sigmoid().view({9})));
  EXPECT_TRUE(activated.sh.slice(1, 1).equal(cloud.sh_rest.slice(1, 0, 3)));
  const auto view = activated.view();
  EXPECT_EQ(view.count, 9);
  EXPECT_EQ(view.sh_degree, 1);
  EXPECT_EQ(view.sh[12 + 5], activated.sh[1][1][2].item<float>());
  EXPECT_EQ(view.means, cloud.means.data_ptr<float>());  // not a copy
  EXPECT_FALSE(activated.scales.requires_grad());
  const auto gradients = ActivatedGradient::like(activated).view();
  EXPECT_NE(gradients.means2d_ndc, nullptr);
  EXPECT_NE(gradients.sh, nullptr);
}

TEST(Cloud, AppliesTheFilterToScalesAndOpacities) {
  Cloud cloud = random_cloud(1, 0);
  cloud.log_scales = torch::tensor({{0.3F, 0.4F, 1.2F}}).log();
  cloud.opacity_logits = torch::zeros({1, 1});
  cloud.filter_3d = torch::full({1, 1}, 0.4);
  const Activated activated = activate(cloud);
  EXPECT_TRUE(torch::allclose(activated.scales, torch::tensor({{0.5, std::sqrt(0.32), std::sqrt(1.6)}})));
  EXPECT_NEAR(activated.opacities[0].item<double>(), 0.5 * 0.6 * std::sqrt(0.5) * std::sqrt(0.9), 1e-6);
}

TEST(Cloud, SmoothedParametersShowTheSame) {
  Cloud cloud = random_cloud(200, 1);
  cloud.filter_3d = 0.1 * torch::rand({200, 1});
  cloud.screen_filter = render::Filter::kMip;
  const Cloud baked = smoothed(cloud);
  EXPECT_FALSE(baked.filter_3d.defined());
  const Activated before = activate(cloud, {.active_degree = 1}), after = activate(baked, {.active_degree = 1});
  EXPECT_TRUE(torch::allclose(before.scales, after.scales, 1e-5));
  EXPECT_TRUE(torch::allclose(before.opacities, after.opacities, 1e-4, 2e-7));
  EXPECT_EQ(after.view().filter, render::Filter::kMip);
  // An opacity of exactly 0 or 1 has no logit; the file stores the nearest that has one.
  cloud.opacity_logits = torch::full({200, 1}, 200.0F);
  cloud.log_scales = torch::full({200, 3}, 40.0F);
  EXPECT_TRUE(torch::isfinite(smoothed(cloud).opacity_logits).all().item<bool>());
}

TEST(Cloud, KnowsItsDegreeAndRefusesAnother) {
  for (int degree = 0; degree <= 3; ++degree) EXPECT_EQ(random_cloud(2, degree).sh_degree(), degree);
  Cloud odd = random_cloud(2, 1);
  odd.sh_rest = torch::zeros({2, 5, 3});
  EXPECT_THROW(odd.sh_degree(), std::logic_error);
  EXPECT_THROW(activate(random_cloud(2, 1), {.active_degree = 2}), std::logic_error);
}

}  // namespace
}  // namespace lucid::gaussians
