// SPDX-License-Identifier: Apache-2.0
// Attention against its definition, in float64, with few rows and with enough of them to be cut into chunks.
#include "lucid/diffusion/attention.h"

#include <fmt/format.h>
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

// With and without the gradient's way, which is libtorch's own: the kernel for bfloat16 must be as close to the
// definition.
TEST(Attention, Bfloat16IsCloseToTheDefinition) {
  torch::manual_seed(3);
  struct Case {
    int64_t batch, rows, keys, heads, width;
  };
  for (const Case& c : {Case{2, 5, 3, 2, 8}, Case{1, 64, 77, 4, 40}, Case{1, 1, 1, 1, 2}, Case{2, 130, 600, 3, 64},
                        Case{1, 70, 1100, 2, 80}, Case{1, 9, 33, 2, 160}, Case{1, 17, 512, 1, 50},
                        Case{1, 20, 1200, 2, 40}, Case{1, 8, 700, 1, 36}}) {
    SCOPED_TRACE(fmt::format("{} rows, {} keys, heads of {}", c.rows, c.keys, c.width));
    const auto draw = [&](int64_t tokens) {
      return torch::randn({c.batch, tokens, c.heads * c.width}).mul_(1.5).to(torch::kBFloat16);
    };
    const torch::Tensor q = draw(c.rows), k = draw(c.keys), v = draw(c.keys);
    const torch::Tensor wanted = by_definition(q, k, v, c.heads);
    const auto error = [&](const torch::Tensor& found) {
      return ((found.detach().to(torch::kDouble) - wanted).norm() / wanted.norm()).item<double>();
    };
    EXPECT_LE(error(attend(q, k, v, c.heads)), 6e-3);
    EXPECT_LE(error(attend(q.clone().requires_grad_(), k, v, c.heads)), 2e-2);
  }
}

TEST(Attention, NotANumberReachesEveryRowThatSeesIt) {
  const torch::Tensor q = torch::randn({1, 20, 16}).to(torch::kBFloat16);
  torch::Tensor k = torch::randn({1, 40, 16}).to(torch::kBFloat16);
  k[0][39][3] = std::nanf("");  // of the first head
  const torch::Tensor y = attend(q, k, k.nan_to_num(), 2);
  EXPECT_TRUE(y.slice(2, 0, 8).isnan().all().item<bool>());
  EXPECT_FALSE(y.slice(2, 8).isnan().any().item<bool>());
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
