// SPDX-License-Identifier: Apache-2.0
// Linear against libtorch in double precision, on operands that bfloat16 represents.
#include "lucid/nn/linear.h"

#include <gtest/gtest.h>

#include "lucid/diffusion/transformer.h"
#include "lucid/nn/choose.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::nn {
namespace {

using tensor::relative_error;
using torch::Tensor;

struct Linears {
  Linear layer = nullptr;
  Tensor x = {};  // bfloat16
};

Linears made(int64_t in, int64_t out, bool bias, at::IntArrayRef rows) {
  torch::manual_seed(21);
  Linear layer(in, out, bias);
  layer->to(torch::kBFloat16);
  for (Tensor& parameter : layer->parameters()) parameter.set_requires_grad(false);
  auto sizes = rows.vec();
  sizes.push_back(in);
  return {layer, torch::randn(sizes).to(torch::kBFloat16)};
}

Tensor exact_of(const Linear& layer, const Tensor& x) {
  const Tensor bias = layer->bias.defined() ? layer->bias.to(torch::kDouble) : Tensor();
  return torch::linear(x.to(torch::kDouble), layer->weight.to(torch::kDouble), bias);
}

/// The error of sums: float32's last places if oneDNN is called directly; else libtorch rounds them to bfloat16.
double limit_of_products() { return uses_onednn(torch::kBFloat16) ? 2e-6 : 1e-2; }

TEST(Linear, IsTheProductOfRoundedOperandsInEitherDtype) {
  std::printf("  oneDNN is called %s\n", uses_onednn(torch::kBFloat16) ? "directly" : "through libtorch, which rounds");
  for (const bool bias : {true, false}) {
    for (const int64_t width : {1, 7, 64}) {
      SCOPED_TRACE(width);
      Linears each = made(48, width, bias, {2, 5});
      freeze_layers(*each.layer, /*low_memory=*/false, /*bfloat16_winograd=*/false);
      const Tensor wanted = exact_of(each.layer, each.x);
      const Tensor wide = each.layer->forward(each.x, torch::kFloat);
      EXPECT_EQ(wide.scalar_type(), torch::kFloat);
      ASSERT_EQ(wide.sizes(), wanted.sizes());
      EXPECT_LT(relative_error(wide, wanted), limit_of_products());
      const Tensor narrow = each.layer->forward(each.x);
      EXPECT_EQ(narrow.scalar_type(), torch::kBFloat16);
      EXPECT_LT(relative_error(narrow, wanted), 4e-3);
      // A view that does not lie row by row.
      const Tensor turned = each.x.transpose(0, 1).contiguous().transpose(0, 1);
      EXPECT_LT(relative_error(each.layer->forward(turned), wanted), 4e-3);
    }
  }
}

TEST(Linear, ChangedWeightsArePackedAgain) {
  Linears each = made(32, 16, true, {3});
  freeze_layers(*each.layer, /*low_memory=*/false, /*bfloat16_winograd=*/false);
  const torch::NoGradGuard no_grad;
  const auto expect_right = [&](const char* what) {
    for (int again = 0; again < 2; ++again) {
      EXPECT_LT(relative_error(each.layer->forward(each.x, torch::kFloat), exact_of(each.layer, each.x)),
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

TEST(Linear, LowMemoryPacksSmallWeightsOnly) {
  if (!uses_onednn(torch::kBFloat16)) GTEST_SKIP() << "oneDNN is not called here";
  Linears small = made(64, 64, false, {1}), large = made(2048, 2048, false, {1});
  const auto may_pack = [](const Linear& layer) { return layer->policy().may_pack(layer->weight); };
  EXPECT_FALSE(may_pack(small.layer)) << "not frozen";
  for (const bool low_memory : {false, true}) {
    freeze_layers(*small.layer, low_memory, /*bfloat16_winograd=*/false);
    freeze_layers(*large.layer, low_memory, /*bfloat16_winograd=*/false);
    EXPECT_TRUE(may_pack(small.layer));
    EXPECT_EQ(may_pack(large.layer), !low_memory);
  }
}

TEST(Linear, ATransformersLayersAreAllAmongThem) {
  for (const bool linear_projection : {true, false}) {
    diffusion::Transformer2D block(diffusion::TransformerSizes{
        .channels = 32, .context_width = 16, .groups = 8, .linear_projection = linear_projection});
    EXPECT_EQ(layers_of(*block).size(),
              12U);  // proj_in and proj_out, four of each attention, two of the feed-forward part
  }
}

TEST(Linear, ReferenceOpsAreLibtorchs) {
  const tensor::ReferenceOpsGuard reference;
  Linears each = made(32, 16, true, {3});
  freeze_layers(*each.layer, /*low_memory=*/false, /*bfloat16_winograd=*/false);
  EXPECT_TRUE(each.layer->forward(each.x).equal(torch::linear(each.x, each.layer->weight, each.layer->bias)));
}

TEST(Linear, AGradientIsLibtorchs) {
  Linears each = made(32, 16, true, {3});
  freeze_layers(*each.layer, /*low_memory=*/false, /*bfloat16_winograd=*/false);
  const Tensor x = each.x.clone().requires_grad_();
  each.layer->forward(x, torch::kFloat).sum().backward();
  EXPECT_LT(relative_error(x.grad(), each.layer->weight.to(torch::kDouble).sum(0).expand_as(x)), 1e-2);
}

}  // namespace
}  // namespace lucid::nn
