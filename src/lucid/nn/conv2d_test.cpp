// SPDX-License-Identifier: Apache-2.0
// Conv2d against libtorch in double precision: with bfloat16 operands and float32 activations, and all in float32.
#include "lucid/nn/conv2d.h"

#include <gtest/gtest.h>

#include "lucid/base/machine.h"
#include "lucid/diffusion/resnet.h"
#include "lucid/nn/choose.h"
#include "lucid/tensor/freeze.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::nn {
namespace {

using tensor::relative_error;
using torch::Tensor;

/// Limit of the relative error on operands that bfloat16 represents. oneDNN called directly keeps float32 sums.
/// libtorch rounds the sums to bfloat16, and more often on processors that do not multiply bfloat16.
double conv2d_error_limit() { return uses_onednn(torch::kBFloat16) ? 2e-6 : has_fast_bfloat16() ? 1e-2 : 2e-2; }

Tensor rounded(const Tensor& x) { return x.to(torch::kBFloat16).to(x.scalar_type()); }

struct MixedCase {
  const char* name;
  int64_t in, out, kernel, stride, padding, after;
  std::vector<int64_t> sizes;  // B, h, w
};
const MixedCase kMixedCases[] = {
    {"3 x 3", 8, 16, 3, 1, 1, 0, {2, 9, 7}},   {"image", 3, 32, 3, 1, 1, 0, {1, 16, 16}},
    {"1 x 1", 12, 20, 1, 1, 0, 0, {3, 5, 4}},  {"half the size", 16, 16, 3, 2, 0, 1, {2, 8, 12}},
    {"odd half", 8, 8, 3, 2, 0, 1, {1, 7, 9}}, {"moments", 16, 8, 3, 1, 1, 0, {1, 1, 1}},
};

Conv2d float_layer(const MixedCase& c) {
  return Conv2d(Conv2dOptions{.in = c.in, .out = c.out, .kernel = c.kernel, .stride = c.stride, .padding = c.padding});
}

Conv2d bfloat16_layer(const MixedCase& c) {
  Conv2d conv = float_layer(c);
  conv->to(torch::kBFloat16);
  tensor::freeze(conv);
  return conv;
}

TEST(Conv2d, MixedDtypesMatchConvolutionOfRoundedOperands) {
  torch::manual_seed(11);
  std::printf("  oneDNN is called %s\n", uses_onednn(torch::kBFloat16) ? "directly" : "through libtorch, which rounds");
  const double limit = conv2d_error_limit();
  for (const MixedCase& c : kMixedCases) {
    SCOPED_TRACE(c.name);
    Conv2d conv = bfloat16_layer(c);
    const Tensor values = torch::randn({c.sizes[0], c.in, c.sizes[1], c.sizes[2]});
    const Tensor x = values.clone().requires_grad_();
    const Tensor exact = rounded(values).to(torch::kDouble).requires_grad_();
    const Tensor y = conv->forward_padded(x, c.after);
    const Tensor wanted =
        torch::conv2d(torch::constant_pad_nd(exact, {0, c.after, 0, c.after}), conv->weight.to(torch::kDouble),
                      conv->bias.to(torch::kDouble), c.stride, c.padding);
    ASSERT_EQ(y.sizes(), wanted.sizes());
    EXPECT_EQ(y.scalar_type(), torch::kFloat);
    EXPECT_LT(relative_error(y.detach(), wanted.detach()), limit);
    {
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(conv->forward_padded(x, c.after).equal(y)) << "with and without gradients";
    }
    const Tensor d_y = rounded(torch::randn_like(y));
    y.backward(d_y);
    wanted.backward(d_y.to(torch::kDouble));
    EXPECT_LT(relative_error(x.grad(), exact.grad()), limit);
  }
}

TEST(Conv2d, FusedNormAndSiluMatchSeparateOperators) {
  torch::manual_seed(12);
  const MixedCase c{"", 16, 24, 3, 1, 1, 0, {}};
  Conv2d conv = bfloat16_layer(c);
  GroupNorm norm(4, c.in, 1e-5), exact_norm(4, c.in, 1e-5);
  const torch::AutoGradMode gradients(true);
  for (auto* each : {&norm, &exact_norm}) {
    (*each)->weight.set_data(torch::linspace(0.5, 2, c.in));
    (*each)->bias.set_data(torch::linspace(-1, 1, c.in));
    for (Tensor& parameter : (*each)->parameters()) parameter.set_requires_grad(false);
  }
  exact_norm->to(torch::kDouble);
  const Tensor x = (2 + 3 * torch::randn({2, c.in, 10, 6})).requires_grad_();
  const Tensor exact = x.detach().to(torch::kDouble).requires_grad_();
  const Tensor y = conv->forward_norm_silu(x, norm);
  const Tensor wanted = torch::conv2d(torch::silu(exact_norm(exact)), conv->weight.to(torch::kDouble),
                                      conv->bias.to(torch::kDouble), 1, 1);
  // oneDNN's input is rounded to bfloat16 once; through libtorch the output is rounded as well.
  const double limit = uses_onednn(torch::kBFloat16) ? 2.5e-3 : 1e-2;
  EXPECT_LT(relative_error(y.detach(), wanted.detach()), limit);
  const Tensor d_y = torch::randn_like(y);
  y.backward(d_y);
  wanted.backward(d_y.to(torch::kDouble));
  EXPECT_LT(relative_error(x.grad(), exact.grad()), limit);
}

TEST(Conv2d, Float32ActivationsReduceAResnetsError) {
  torch::manual_seed(13);
  diffusion::Resnet resnet(diffusion::ResnetSizes{.in = 32, .out = 64, .groups = 8});
  tensor::freeze(resnet);
  set_compute_dtype(*resnet, torch::kBFloat16);
  const Tensor x = torch::randn({1, 32, 16, 16});
  const torch::NoGradGuard no_grad;
  const Tensor mixed = resnet(x);
  EXPECT_EQ(mixed.scalar_type(), torch::kFloat);
  const Tensor narrow = resnet(x.to(torch::kBFloat16));
  EXPECT_EQ(narrow.scalar_type(), torch::kBFloat16);
  resnet->to(torch::kDouble);
  const Tensor exact = resnet(x.to(torch::kDouble));
  std::printf("  a resnet: relative error %.2e with float32 activations, %.2e with bfloat16\n",
              relative_error(mixed, exact), relative_error(narrow, exact));
  EXPECT_LT(relative_error(mixed, exact),
            uses_onednn(torch::kBFloat16) ? 0.8 * relative_error(narrow, exact) : relative_error(narrow, exact));
}

TEST(Conv2d, ChangedWeightsArePackedAgain) {
  torch::manual_seed(15);
  Conv2d conv = bfloat16_layer(kMixedCases[0]);
  const Tensor x = rounded(torch::randn({1, 8, 6, 6}));
  const torch::NoGradGuard no_grad;
  const auto expect_right = [&](const char* what) {
    const Tensor wanted =
        torch::conv2d(x.to(torch::kDouble), conv->weight.to(torch::kDouble), conv->bias.to(torch::kDouble), 1, 1);
    for (int again = 0; again < 2; ++again) {
      EXPECT_LT(relative_error(conv->forward(x), wanted), conv2d_error_limit()) << what;
    }
  };
  expect_right("at first");
  conv->weight.mul_(-2);
  expect_right("changed in place");
  conv->weight.set_data(conv->weight.flip(0).contiguous(torch::MemoryFormat::ChannelsLast));
  expect_right("another tensor");
}

TEST(Conv2d, Float32MatchesConvolutionAndGradient) {
  torch::manual_seed(16);
  for (const MixedCase& c : kMixedCases) {
    SCOPED_TRACE(c.name);
    Conv2d conv = float_layer(c);
    tensor::freeze(conv);
    freeze_layers(*conv, /*low_memory=*/false, /*round_activations=*/false);
    const Tensor x = torch::randn({c.sizes[0], c.in, c.sizes[1], c.sizes[2]}).requires_grad_();
    const Tensor exact = x.detach().to(torch::kDouble).requires_grad_();
    const Tensor y = conv->forward_padded(x, c.after);
    const Tensor wanted =
        torch::conv2d(torch::constant_pad_nd(exact, {0, c.after, 0, c.after}), conv->weight.to(torch::kDouble),
                      conv->bias.to(torch::kDouble), c.stride, c.padding);
    EXPECT_LT(relative_error(y, wanted), 2e-6);
    const Tensor d_y = torch::randn_like(y);
    y.backward(d_y);
    wanted.backward(d_y.to(torch::kDouble));
    EXPECT_LT(relative_error(x.grad(), exact.grad()), 2e-6);
  }
}

TEST(Conv2d, TrainableWeightsGetAGradient) {
  Conv2d conv = conv3x3(16, 16);
  freeze_layers(*conv, /*low_memory=*/false, /*round_activations=*/false);
  conv->forward(torch::randn({1, 16, 12, 12})).square().sum().backward();
  EXPECT_GT(conv->weight.grad().abs().max().item<float>(), 0);
}

TEST(Conv2d, ReferenceOpsUseLibtorch) {
  const tensor::ReferenceOpsGuard reference;
  EXPECT_FALSE(uses_onednn(torch::kBFloat16));
  torch::manual_seed(14);
  Conv2d conv = bfloat16_layer(kMixedCases[0]);
  const Tensor x = torch::randn({1, 8, 6, 6});
  EXPECT_TRUE(
      conv->forward(x).equal(torch::conv2d(x.to(torch::kBFloat16), conv->weight, conv->bias, 1, 1).to(torch::kFloat)));
}

}  // namespace
}  // namespace lucid::nn
