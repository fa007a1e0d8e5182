// SPDX-License-Identifier: Apache-2.0
// Layers that keep their weights laid out against libtorch in double precision, on the numbers that are multiplied.
#include "lucid/nn/linear.h"

#include <gtest/gtest.h>

#include "lucid/diffusion/transformer.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::nn {
namespace {

using tensor::relative_error;
using torch::Tensor;

struct Linears {
  torch::nn::Linear layer = nullptr;
  Tensor x = {};  // bfloat16
};

Linears made(int64_t in, int64_t out, bool bias, at::IntArrayRef rows) {
  torch::manual_seed(21);
  torch::nn::Linear layer = linear(in, out, bias);
  layer->to(torch::kBFloat16);
  for (Tensor& parameter : layer->parameters()) parameter.set_requires_grad(false);
  auto sizes = rows.vec();
  sizes.push_back(in);
  return {layer, torch::randn(sizes).to(torch::kBFloat16)};
}

Tensor exact_of(const torch::nn::Linear& layer, const Tensor& x) {
  const Tensor bias = layer->bias.defined() ? layer->bias.to(torch::kDouble) : Tensor();
  return torch::linear(x.to(torch::kDouble), layer->weight.to(torch::kDouble), bias);
}

/// Float32 sums are rounded by the last place of float32 alone where oneDNN is asked, by bfloat16's elsewhere.
double limit_of_products() { return asks_onednn(torch::kBFloat16) ? 2e-6 : 1e-2; }

TEST(LaidOut, ALinearLayerIsThatOfRoundedNumbersInEitherType) {
  std::printf("  oneDNN is asked %s\n", asks_onednn(torch::kBFloat16) ? "directly" : "through libtorch, which rounds");
  for (const bool bias : {true, false}) {
    for (const int64_t width : {1, 7, 64}) {
      SCOPED_TRACE(width);
      Linears each = made(48, width, bias, {2, 5});
      keep_laid_out(*each.layer, /*low_memory=*/false);
      const Tensor wanted = exact_of(each.layer, each.x);
      const Tensor wide = applied(each.layer, each.x, torch::kFloat);
      EXPECT_EQ(wide.scalar_type(), torch::kFloat);
      ASSERT_EQ(wide.sizes(), wanted.sizes());
      EXPECT_LT(relative_error(wide, wanted), limit_of_products());
      const Tensor narrow = applied(each.layer, each.x);
      EXPECT_EQ(narrow.scalar_type(), torch::kBFloat16);
      EXPECT_LT(relative_error(narrow, wanted), 4e-3);
      // A view that does not lie row by row.
      const Tensor turned = each.x.transpose(0, 1).contiguous().transpose(0, 1);
      EXPECT_LT(relative_error(applied(each.layer, turned), wanted), 4e-3);
    }
  }
}

TEST(LaidOut, WeightsThatChangeAreLaidOutAnew) {
  Linears each = made(32, 16, true, {3});
  keep_laid_out(*each.layer, /*low_memory=*/false);
  const torch::NoGradGuard no_grad;
  const auto expect_right = [&](const char* what) {
    for (int again = 0; again < 2; ++again) {
      EXPECT_LT(relative_error(applied(each.layer, each.x, torch::kFloat), exact_of(each.layer, each.x)),
                limit_of_products())
          << what;
    }
  };
  expect_right("at first");
  each.layer->weight.mul_(-2);
  expect_right("changed in place");
  each.layer->weight.set_data(each.layer->weight.flip(0).contiguous());
  expect_right("others in their place");
}

TEST(LaidOut, LowMemoryKeepsSmallWeightsOnly) {
  if (!asks_onednn(torch::kBFloat16)) GTEST_SKIP() << "oneDNN is not asked here";
  const auto keeps = [](torch::nn::Linear& layer) {
    return onednn::keeps({.weight = layer->weight, .packed = dynamic_cast<LinearImpl&>(*layer).packed()});
  };
  Linears small = made(64, 64, false, {1}), large = made(2048, 2048, false, {1});
  EXPECT_FALSE(keeps(small.layer)) << "nobody said that its weights are frozen";
  for (const bool low_memory : {false, true}) {
    keep_laid_out(*small.layer, low_memory);
    keep_laid_out(*large.layer, low_memory);
    EXPECT_TRUE(keeps(small.layer));
    EXPECT_EQ(keeps(large.layer), !low_memory);
  }
}

TEST(LaidOut, ATransformersLayersAreAllAmongThem) {
  for (const bool linear_projection : {true, false}) {
    diffusion::Transformer2D block(diffusion::TransformerSizes{
        .channels = 32, .context_width = 16, .groups = 8, .linear_projection = linear_projection});
    int64_t layers = 0;
    for (const auto& module : block->modules()) layers += dynamic_cast<KeepsLaidOut*>(module.get()) != nullptr ? 1 : 0;
    EXPECT_EQ(layers, 12);  // proj_in and proj_out, four of each attention, two of the feed-forward part
  }
}

TEST(LaidOut, PlainOperatorsAreLibtorchs) {
  const tensor::PlainOperators plain;
  Linears each = made(32, 16, true, {3});
  keep_laid_out(*each.layer, /*low_memory=*/false);
  EXPECT_TRUE(applied(each.layer, each.x).equal(each.layer(each.x)));
}

TEST(LaidOut, AGradientIsLibtorchs) {
  Linears each = made(32, 16, true, {3});
  keep_laid_out(*each.layer, /*low_memory=*/false);
  const Tensor x = each.x.clone().requires_grad_();
  applied(each.layer, x, torch::kFloat).sum().backward();
  EXPECT_LT(relative_error(x.grad(), each.layer->weight.to(torch::kDouble).sum(0).expand_as(x)), 1e-2);
}

}  // namespace
}  // namespace lucid::nn
