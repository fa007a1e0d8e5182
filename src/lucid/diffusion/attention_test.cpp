// SPDX-License-Identifier: Apache-2.0
// Attention against its definition, in float64, with few rows and with enough of them to be cut into chunks.
#include "lucid/diffusion/attention.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lucid::diffusion {
namespace {

torch::Tensor by_definition(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads) {
  std::vector<torch::Tensor> parts;
  for (int64_t head = 0; head < heads; ++head) {
    const auto slice = [&](const torch::Tensor& x) { return x.to(torch::kDouble).chunk(heads, 2)[head]; };
    const torch::Tensor scores = torch::matmul(slice(q), slice(k).transpose(1, 2)) / std::sqrt(q.size(2) / heads);
    parts.push_back(torch::matmul(scores.softmax(-1), slice(v)));
  }
  return torch::cat(parts, 2);
}

TEST(Attention, EqualsItsDefinition) {
  torch::manual_seed(1);
  for (const auto& [rows, columns, heads] : {std::tuple<int64_t, int64_t, int64_t>{5, 3, 2}, {64, 77, 4}, {1, 1, 1}}) {
    const torch::Tensor q = torch::randn({2, rows, heads * 8}), k = torch::randn({2, columns, heads * 8}),
                        v = torch::randn({2, columns, heads * 8});
    const torch::Tensor wanted = by_definition(q, k, v, heads);
    EXPECT_LE((attend(q, k, v, heads).to(torch::kDouble) - wanted).abs().max().item<double>(), 2e-6);
  }
}

TEST(Attention, ManyRowsAreCutButNotTheGradient) {
  torch::manual_seed(2);
  const int64_t rows = 3000, heads = 2;  // 2 heads * 3000^2 is over the limit; 3000 is no multiple of a chunk
  const torch::Tensor q = torch::randn({1, rows, heads * 4}), k = torch::randn({1, rows, heads * 4}),
                      v = torch::randn({1, rows, heads * 4});
  const torch::Tensor cut = attend(q, k, v, heads);
  const torch::Tensor leaf = q.clone().requires_grad_();
  const torch::Tensor whole = attend(leaf, k, v, heads);
  EXPECT_LE((cut - whole.detach()).abs().max().item<double>(), 1e-6);
  whole.sum().backward();
  EXPECT_GT(leaf.grad().abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace lucid::diffusion
