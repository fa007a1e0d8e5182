// SPDX-License-Identifier: Apache-2.0
// Tests of image_terms.h: values against plain loops in double, gradients against central differences.
#include "lucid/distill/image_terms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "goldens.h"
#include "lucid/distill/toy_denoiser.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::distill {
namespace {

constexpr double kFov = 0.6;

// The reference's formula as loops over views and pixels.
torch::Tensor plain_disparity(const torch::Tensor& depth, const torch::Tensor& transmittance, double fovx) {
  torch::Tensor out = torch::zeros_like(depth);
  const int64_t pixels = depth.size(2) * depth.size(3);
  for (int64_t b = 0; b < depth.size(0); ++b) {
    const double* z = depth[b].data_ptr<double>();
    const double* a = transmittance[b].data_ptr<double>();
    std::vector<double> d(static_cast<size_t>(pixels));
    double low_opaque = INFINITY, low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < pixels; ++i) {
      const double value = 1 / (2 * std::tan(fovx / 2)) / (z[i] + 10 * a[i] + 1e-5);
      d[static_cast<size_t>(i)] = value;
      if (a[i] <= 0.1) low_opaque = std::min(low_opaque, value);
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (std::isinf(low_opaque)) low_opaque = low;
    double* to = out[b].data_ptr<double>();
    for (int64_t i = 0; i < pixels; ++i) {
      to[i] = std::min(std::max((d[static_cast<size_t>(i)] - low_opaque) / (high - low_opaque), 0.0), 1.0);
    }
  }
  return out;
}

struct Pictures {
  torch::Tensor depth, transmittance;  // [3,1,5,7] double; the last view has no nearly opaque pixel
};
Pictures pictures() {
  torch::manual_seed(3);
  Pictures p{.depth = torch::rand({3, 1, 5, 7}, torch::kDouble) * 4 + 0.5,
             .transmittance = torch::rand({3, 1, 5, 7}, torch::kDouble)};
  p.transmittance[2] = p.transmittance[2] * 0.5 + 0.3;
  return p;
}

TEST(Disparity, IsThePlainFormulaViewByView) {
  const Pictures p = pictures();
  EXPECT_LT(tensor::relative_error(disparity(p.depth, p.transmittance, kFov),
                                   plain_disparity(p.depth, p.transmittance, kFov)),
            1e-12);
}

TEST(Disparity, GradientIsThatOfCentralDifferences) {
  const Pictures p = pictures();
  const torch::Tensor weight = torch::rand({3, 1, 5, 7}, torch::kDouble);
  const torch::Tensor depth = p.depth.clone().requires_grad_(),
                      transmittance = p.transmittance.clone().requires_grad_();
  (disparity(depth, transmittance, kFov) * weight).sum().backward();
  const auto loss = [&](const torch::Tensor& z, const torch::Tensor& a) {
    return (plain_disparity(z, a, kFov) * weight).sum().item<double>();
  };
  constexpr double kStep = 1e-6;
  for (const bool of_depth : {true, false}) {
    torch::Tensor numeric = torch::zeros_like(p.depth);
    for (int64_t i = 0; i < p.depth.numel(); ++i) {
      torch::Tensor moved = (of_depth ? p.depth : p.transmittance).clone();
      double* value = moved.data_ptr<double>() + i;
      const double centre = *value;
      *value = centre + kStep;
      const double up = of_depth ? loss(moved, p.transmittance) : loss(p.depth, moved);
      *value = centre - kStep;
      const double down = of_depth ? loss(moved, p.transmittance) : loss(p.depth, moved);
      numeric.data_ptr<double>()[i] = (up - down) / (2 * kStep);
    }
    EXPECT_LT(tensor::relative_error(of_depth ? depth.grad() : transmittance.grad(), numeric), 1e-6);
  }
}

TEST(Disparity, AnEmptyPictureHasNoDisparityAndNoGradient) {
  const torch::Tensor depth = torch::zeros({2, 1, 4, 4}, torch::requires_grad());
  const torch::Tensor transmittance = torch::zeros({2, 1, 4, 4}, torch::requires_grad());
  const torch::Tensor d = disparity(depth, transmittance, kFov);
  d.sum().backward();
  EXPECT_EQ(d.abs().max().item<float>(), 0);
  EXPECT_EQ(depth.grad().abs().max().item<float>(), 0);
  EXPECT_EQ(transmittance.grad().abs().max().item<float>(), 0);
}

TEST(Disparity, NearIsBrightFarIsDarkTheGroundIsZero) {
  const torch::Tensor alpha = torch::tensor({1.0, 1.0, 1.0, 0.0}).view({1, 1, 2, 2});
  const torch::Tensor depth = torch::tensor({2.0, 3.0, 4.0, 0.0}).view({1, 1, 2, 2});
  const torch::Tensor d = disparity(depth, 1 - alpha, kFov).flatten();
  EXPECT_NEAR(d[0].item<double>(), 1, 1e-6);
  EXPECT_NEAR(d[1].item<double>(), (1.0 / 3 - 1.0 / 4) / (1.0 / 2 - 1.0 / 4), 1e-5);
  EXPECT_NEAR(d[2].item<double>(), 0, 1e-6);
  EXPECT_EQ(d[3].item<double>(), 0);
}

TEST(AsDisplayed, ClampsAndLetsThroughWhatPullsBack) {
  const torch::Tensor rgb = torch::tensor({-0.5, -0.5, 0.0, 0.25, 1.0, 1.5, 1.5}, torch::requires_grad());
  const torch::Tensor shown = as_displayed(rgb);
  EXPECT_TRUE(shown.equal(torch::tensor({0.0, 0.0, 0.0, 0.25, 1.0, 1.0, 1.0})));
  shown.backward(torch::tensor({-1.0, 1.0, 1.0, -2.0, -1.0, -1.0, 1.0}));
  EXPECT_TRUE(rgb.grad().equal(torch::tensor({-1.0, 0.0, 1.0, -2.0, -1.0, 0.0, 1.0})));
}

TEST(TotalVariationGolden, IsTheReferences) {
  const auto file = weights::read_safetensors(lucid::test::goldens() / "reference.safetensors");
  const double ours = total_variation(file.tensors.at("tv_input").to(torch::kDouble)).item<double>();
  const double expected = file.tensors.at("tv_loss").item<double>();
  EXPECT_NEAR(ours, expected, 1e-6 * std::abs(expected));
}

TEST(TotalVariation, OfARampCountsEachDirectionOnce) {
  // Columns 0, 1, 2: every dx is 1, every dy is 0.
  const torch::Tensor ramp = torch::arange(3, torch::kDouble).expand({2, 3, 4, 3});
  EXPECT_NEAR(total_variation(ramp).item<double>(), 2.0, 1e-12);
}

}  // namespace
}  // namespace lucid::distill
