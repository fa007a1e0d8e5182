// SPDX-License-Identifier: Apache-2.0
// Linear with bfloat16 operands against libtorch in double precision.
#include "lucid/nn/linear.h"

#include <gtest/gtest.h>

#include "lucid/diffusion/transformer.h"
#include "lucid/nn/choose.h"
#include "lucid/tensor/freeze.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::nn {
namespace {

using tensor::relative_error;
using torch::Tensor;

/// A layer with bfloat16 weights, and an input for it.
struct LinearCase {
  Linear layer = nullptr;
  Tensor x = {};  // bfloat16
};

LinearCase make_linear_case(int64_t in, int64_t out, bool bias, at::IntArrayRef rows) {
  torch::manual_seed(21);
  Linear layer(in, out, bias);
  layer->to(torch::kBFloat16);
  tensor::freeze(layer);
  auto sizes = rows.vec();
  sizes.push_back(in);
  return {layer, torch::randn(sizes).to(torch::kBFloat16)};
}

Tensor exact_of(const Linear& layer, const Tensor& x) {
  const Tensor bias = layer->bias.defined() ? layer->bias.to(torch::kDouble) : Tensor();
  return torch::linear(x.to(torch::kDouble), layer->weight.to(torch::kDouble), bias);
}

/// Limit of the relative error: oneDNN called directly keeps float32 sums; libtorch rounds them to bfloat16.
double linear_error_limit() { return uses_onednn(torch::kBFloat16) ? 2e-6 : 1e-2; }

TEST(Linear, MatchesLibtorchInEitherOutputDtype) {
  std::printf("  oneDNN is called %s\n", uses_onednn(torch::kBFloat16) ? "directly" : "through libtorch, which rounds");
  for (const bool bias : {true, false}) {
    for (const int64_t width : {1, 7, 64}) {
      SCOPED_TRACE(width);
      LinearCase each = make_linear_case(48, width, bias, {2, 5});
      freeze_layers(*each.layer, /*low_memory=*/false, /*round_activations=*/false);
      const Tensor wanted = exact_of(each.layer, each.x);
      const Tensor wide = each.layer->forward(each.x, torch::kFloat);
      EXPECT_EQ(wide.scalar_type(), torch::kFloat);
      ASSERT_EQ(wide.sizes(), wanted.sizes());
      EXPECT_LT(relative_error(wide, wanted), linear_error_limit());
      const Tensor narrow = each.layer->forward(each.x);
      EXPECT_EQ(narrow.scalar_type(), torch::kBFloat16);
      EXPECT_LT(relative_error(narrow, wanted), 4e-3);
      // A view whose rows are not contiguous.
      const Tensor strided = each.x.transpose(0, 1).contiguous().transpose(0, 1);
      EXPECT_LT(relative_error(each.layer->forward(strided), wanted), 4e-3);
    }
  }
}

TEST(Linear, ChangedWeightsArePackedAgain) {
  LinearCase each = make_linear_case(32, 16, true, {3});
  freeze_layers(*each.layer, /*low_memory=*/false, /*round_activations=*/false);
  const torch::NoGradGuard no_grad;
  const auto expect_right = [&](const char* what) {
    for (int again = 0; again < 2; ++again) {
      EXPECT_LT(relative_error(each.layer->forward(each.x, torch::kFloat), exact_of(each.layer, each.x)),
                linear_error_limit())
          << what;
    }
  };
  expect_right("at first");
  each.layer->weight.mul_(-2);
  expect_right("changed in place");
  each.layer->weight.set_data(each.layer->weight.flip(0).contiguous());
  expect_right("another tensor");
}

TEST(Linear, LowMemoryPacksSmallWeightsOnly) {
  if (!uses_onednn(torch::kBFloat16)) GTEST_SKIP() << "oneDNN is not called here";
  LinearCase small = make_linear_case(64, 64, false, {1}), large = make_linear_case(2048, 2048, false, {1});
  const auto may_pack = [](const Linear& layer) { return layer->policy().may_pack(layer->weight); };
  EXPECT_FALSE(may_pack(small.layer)) << "not frozen";
  for (const bool low_memory : {false, true}) {
    freeze_layers(*small.layer, low_memory, /*round_activations=*/false);
    freeze_layers(*large.layer, low_memory, /*round_activations=*/false);
    EXPECT_TRUE(may_pack(small.layer));
    EXPECT_EQ(may_pack(large.layer), !low_memory);
  }
}

TEST(Linear, LayersOfFindsAllLayersOfATransformer) {
  for (const bool linear_projection : {true, false}) {
    diffusion::Transformer2D block(diffusion::TransformerSizes{
        .channels = 32, .context_width = 16, .groups = 8, .linear_projection = linear_projection});
    EXPECT_EQ(layers_of(*block).size(),
              12U);  // proj_in and proj_out, four of each attention, two of the feed-forward part
  }
}

TEST(Linear, ReferenceOpsUseLibtorch) {
  const tensor::ReferenceOpsGuard reference;
  LinearCase each = make_linear_case(32, 16, true, {3});
  freeze_layers(*each.layer, /*low_memory=*/false, /*round_activations=*/false);
  EXPECT_TRUE(each.layer->forward(each.x).equal(torch::linear(each.x, each.layer->weight, each.layer->bias)));
}

TEST(Linear, GradientMatchesLibtorch) {
  LinearCase each = make_linear_case(32, 16, true, {3});
  freeze_layers(*each.layer, /*low_memory=*/false, /*round_activations=*/false);
  const Tensor x = each.x.clone().requires_grad_();
  each.layer->forward(x, torch::kFloat).sum().backward();
  EXPECT_LT(relative_error(x.grad(), each.layer->weight.to(torch::kDouble).sum(0).expand_as(x)), 1e-2);
}

}  // namespace
}  // namespace lucid::nn
