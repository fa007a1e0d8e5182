// SPDX-License-Identifier: Apache-2.0
// attention(), and every attention kernel that can be tested on this processor, against the definition in double.
#include "lucid/nn/attention.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "lucid/base/machine.h"
#include "lucid/nn/attention_layers.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/emulated/every_kernel.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::nn {
namespace {

using tensor::relative_error;

torch::Tensor by_definition(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads) {
  std::vector<torch::Tensor> parts;
  for (int64_t head = 0; head < heads; ++head) {
    const auto slice = [&](const torch::Tensor& x) { return x.to(torch::kDouble).chunk(heads, 2)[head]; };
    const torch::Tensor scores = torch::matmul(slice(q), slice(k).transpose(1, 2)) / std::sqrt(q.size(2) / heads);
    parts.push_back(torch::matmul(scores.softmax(-1), slice(v)));
  }
  return torch::cat(parts, 2);
}

TEST(Attention, MatchesDefinition) {
  torch::manual_seed(1);
  for (const auto& [rows, columns, heads] : {std::tuple<int64_t, int64_t, int64_t>{5, 3, 2}, {64, 77, 4}, {1, 1, 1}}) {
    const torch::Tensor q = torch::randn({2, rows, heads * 8}), k = torch::randn({2, columns, heads * 8}),
                        v = torch::randn({2, columns, heads * 8});
    const torch::Tensor wanted = by_definition(q, k, v, heads);
    EXPECT_LE((attention(q, k, v, heads).to(torch::kDouble) - wanted).abs().max().item<double>(), 2e-6);
  }
}

TEST(CrossAttentionProbe, ReportsTheShareOfTheTokensThatAreAskedFor) {
  torch::manual_seed(2);
  constexpr int64_t kHeads = 2, kWidth = 16;
  CrossAttention layer(kWidth, 12, kHeads);
  const torch::Tensor tokens = torch::randn({2, 9, kWidth}), prompts = torch::randn({2, 7, 12});
  const torch::NoGradGuard no_grad;
  const auto parameters = layer->named_parameters();
  const auto by_head = [&](const torch::Tensor& x, const char* name) {  // [B,heads,L,d]
    return torch::matmul(x, parameters[name].t()).view({2, -1, kHeads, kWidth / kHeads}).transpose(1, 2);
  };
  const torch::Tensor scores =
      torch::matmul(by_head(tokens, "to_q.weight"), by_head(prompts, "to_k.weight").transpose(2, 3)) /
      std::sqrt(kWidth / kHeads);
  const torch::Tensor shares = scores.softmax(-1).mean(1);  // [B,N,M]
  const torch::Tensor unasked = layer->forward(tokens, Context(prompts));
  for (const auto& wanted : {torch::tensor({0.F, 0.F, 1.F, 1.F, 0.F, 0.F, 0.F}), torch::ones({7})}) {
    std::vector<torch::Tensor> reported;
    const AttentionProbe probe{.tokens = wanted, .report = [&](const torch::Tensor& s) { reported.push_back(s); }};
    Context context(prompts);
    context.probe = &probe;
    EXPECT_TRUE(layer->forward(tokens, context).equal(unasked));
    // Cached keys give the same.
    const PromptCache cache({layer.get()}, prompts);
    Context cached(cache, torch::eye(2));
    cached.probe = &probe;
    layer->forward(tokens, cached);
    ASSERT_EQ(reported.size(), 2u);
    for (const torch::Tensor& each : reported) EXPECT_LT(relative_error(each, torch::matmul(shares, wanted)), 1e-5);
  }
}

struct AttentionCase {
  int64_t batch, rows, keys, heads, width;
};
// Few and many rows and keys, not multiples of a block; head widths that fill whole registers, and others.
constexpr AttentionCase kAttentionCases[] = {{2, 5, 3, 2, 8},      {1, 64, 77, 4, 40},   {1, 1, 1, 1, 2},
                                             {2, 130, 600, 3, 64}, {1, 70, 1100, 2, 80}, {1, 9, 33, 2, 160},
                                             {1, 17, 512, 1, 50},  {1, 20, 1200, 2, 40}, {1, 8, 700, 1, 36},
                                             {3, 16, 16, 5, 32},   {1, 7, 257, 2, 256}};

struct Tokens {
  torch::Tensor q, k, v;
};
Tokens drawn(const AttentionCase& c, torch::ScalarType type) {
  const auto draw = [&](int64_t tokens) {
    return torch::randn({c.batch, tokens, c.heads * c.width}).mul_(1.5).to(type);
  };
  return {draw(c.rows), draw(c.keys), draw(c.keys)};
}

TEST(Attention, EveryKernelMatchesDefinition) {
  torch::manual_seed(3);
  for (const kernels::Kernels& available : kernels::test::every_kernel()) {
    const kernels::AttentionKernel* kernel = available.attention;
    double worst = 0;
    for (const AttentionCase& c : kAttentionCases) {
      const auto [q, k, v] = drawn(c, kernel->in_bfloat16 ? torch::kBFloat16 : torch::kFloat);
      const double found =
          relative_error(attention_by_kernel(*kernel, q, k, v, c.heads), by_definition(q, k, v, c.heads));
      EXPECT_LE(found, kernel->in_bfloat16 ? 6e-3 : 2e-6)
          << kernel->name << fmt::format(": {} rows, {} keys, heads of {}", c.rows, c.keys, c.width);
      worst = std::max(worst, found);
    }
    fmt::print("  {}: largest relative error {:.1e}\n", kernel->name, worst);
  }
}

// With gradients libtorch computes it, with bfloat16 sums on processors that do not multiply bfloat16.
TEST(Attention, Bfloat16MatchesDefinition) {
  torch::manual_seed(3);
  for (const AttentionCase& c : kAttentionCases) {
    SCOPED_TRACE(fmt::format("{} rows, {} keys, heads of {}", c.rows, c.keys, c.width));
    const auto [q, k, v] = drawn(c, torch::kBFloat16);
    const torch::Tensor wanted = by_definition(q, k, v, c.heads);
    const double libtorch_limit = has_fast_bfloat16() ? 2e-2 : 3e-2;
    const bool by_kernel = choose_attention(q, k, v, c.heads).method == AttentionChoice::Method::kKernel;
    EXPECT_EQ(by_kernel, has_fast_bfloat16() && (c.width < 64 || !has_bfloat16_matrix_units()));
    EXPECT_LE(relative_error(attention(q, k, v, c.heads), wanted), by_kernel ? 6e-3 : libtorch_limit);
    EXPECT_LE(relative_error(attention(q.clone().requires_grad_(), k, v, c.heads).detach(), wanted), libtorch_limit);
  }
}

TEST(Attention, SharedKeysGiveTheSameAsRepeatedKeys) {
  torch::manual_seed(5);
  for (const kernels::Kernels& available : kernels::test::every_kernel()) {
    const kernels::AttentionKernel* kernel = available.attention;
    const auto [q, k, v] = drawn({3, 70, 77, 2, 32}, kernel->in_bfloat16 ? torch::kBFloat16 : torch::kFloat);
    const auto first = [](const torch::Tensor& x) { return x.slice(0, 0, 1); };
    const torch::Tensor shared = attention_by_kernel(*kernel, q, first(k).expand_as(k), first(v).expand_as(v), 2);
    const torch::Tensor repeated =
        attention_by_kernel(*kernel, q, first(k).repeat({3, 1, 1}), first(v).repeat({3, 1, 1}), 2);
    EXPECT_TRUE(shared.equal(repeated)) << kernel->name;
  }
}

TEST(Attention, HugeScoresStayFinite) {
  torch::manual_seed(4);
  for (const kernels::Kernels& available : kernels::test::every_kernel()) {
    const kernels::AttentionKernel* kernel = available.attention;
    auto [q, k, v] = drawn({1, 10, 300, 2, 32}, kernel->in_bfloat16 ? torch::kBFloat16 : torch::kFloat);
    q = q * 300;
    EXPECT_LE(relative_error(attention_by_kernel(*kernel, q, k, v, 2), by_definition(q, k, v, 2)),
              kernel->in_bfloat16 ? 3e-2 : 2e-4)
        << kernel->name;
  }
}

TEST(Attention, NanInAKeyReachesAllRowsOfItsHead) {
  for (const kernels::Kernels& available : kernels::test::every_kernel()) {
    const kernels::AttentionKernel* kernel = available.attention;
    for (const int64_t where : {0, 17, 39}) {
      auto [q, k, v] = drawn({1, 20, 40, 2, 8}, kernel->in_bfloat16 ? torch::kBFloat16 : torch::kFloat);
      k[0][where][3] = std::nanf("");  // in the first head
      const torch::Tensor y = attention_by_kernel(*kernel, q, k, v, 2);
      EXPECT_TRUE(y.slice(2, 0, 8).isnan().all().item<bool>()) << kernel->name << ", key " << where;
      EXPECT_FALSE(y.slice(2, 8).isnan().any().item<bool>()) << kernel->name << ", key " << where;
    }
  }
}

TEST(Attention, ChunkedRowsMatchTheWholeMatrix) {
  torch::manual_seed(2);
  const int64_t rows = 3000, heads = 2;  // 2 heads * 3000² scores are over the limit; 3000 is no multiple of a chunk
  const torch::Tensor q = torch::randn({1, rows, heads * 4}), k = torch::randn({1, rows, heads * 4}),
                      v = torch::randn({1, rows, heads * 4});
  const torch::Tensor chunked = attention(q, k, v, heads);
  const torch::Tensor leaf = q.clone().requires_grad_();
  const torch::Tensor whole = attention(leaf, k, v, heads);
  EXPECT_LE((chunked - whole.detach()).abs().max().item<double>(), 1e-6);
  whole.sum().backward();
  EXPECT_GT(leaf.grad().abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace lucid::nn
