// SPDX-License-Identifier: Apache-2.0
// GroupNorm, LayerNorm and the gated GELU against libtorch in double precision: values, gradients, thread counts.
#include "lucid/nn/norm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "lucid/nn/geglu.h"

namespace lucid::nn {
namespace {

using torch::Tensor;

struct Type {
  torch::ScalarType scalar;
  double limit;  // of the largest difference, relative to the largest value
};
constexpr Type kTypes[] = {{torch::kFloat, 2e-6}, {torch::kBFloat16, 6e-3}};

void expect_near(const Tensor& found, const Tensor& wanted, double limit, const std::string& what) {
  ASSERT_EQ(found.sizes(), wanted.sizes()) << what;
  const double scale = std::max(wanted.abs().max().item<double>(), 1e-3);
  EXPECT_LE((found.to(torch::kDouble) - wanted).abs().max().item<double>() / scale, limit) << what;
}

/// Compares two functions and their gradients, for a random d_y and an input rounded to `type`.
template <class Found, class Wanted>
void compare(const Tensor& input, const Type& type, const std::string& name, const Found& found, const Wanted& wanted,
             const std::vector<std::pair<Tensor, Tensor>>& parameters = {}) {
  const Tensor x = input.to(type.scalar).detach().requires_grad_();
  const Tensor exact = x.detach().to(torch::kDouble).requires_grad_();
  const std::string what = fmt::format("{} {} {}", name, c10::toString(type.scalar), fmt::join(input.sizes(), "x"));
  const Tensor y = found(x), y_exact = wanted(exact);
  EXPECT_EQ(y.scalar_type(), type.scalar) << what;
  expect_near(y.detach(), y_exact.detach(), type.limit, what);
  {
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(torch::equal(found(x), y)) << what << ": with and without gradients";
  }
  const Tensor d_y = torch::randn_like(y);
  y.backward(d_y);
  y_exact.backward(d_y.to(torch::kDouble));
  expect_near(x.grad(), exact.grad(), 2 * type.limit, what + " gradient");
  for (const auto& [ours, theirs] : parameters) {
    expect_near(ours.grad(), theirs.grad(), 2 * type.limit, what + " parameter's gradient");
  }
}

template <class Ours, class Theirs, class Found, class Wanted>
void compare_norm(const Tensor& input, const Type& type, const std::string& name, Ours ours, Theirs theirs,
                  const Found& found, const Wanted& wanted) {
  {
    const torch::NoGradGuard no_grad;
    ours->weight.normal_(1, 0.5);
    ours->bias.normal_(0, 0.5);
    theirs->weight.copy_(ours->weight);
    theirs->bias.copy_(ours->bias);
  }
  theirs->to(torch::kDouble);
  compare(
      input, type, name, [&](const Tensor& x) { return found(x, ours); },
      [&](const Tensor& x) { return wanted(x, theirs); }, {{ours->weight, theirs->weight}, {ours->bias, theirs->bias}});
}

TEST(Norms, GroupNormWithSiluMatchesLibtorch) {
  torch::manual_seed(1);
  struct Case {
    std::vector<int64_t> sizes;
    int64_t groups;
  };
  const std::vector<Case> cases = {
      {{2, 8, 3, 5}, 4}, {{1, 6, 1, 7}, 2}, {{3, 48, 16, 16}, 16}, {{1, 320, 24, 24}, 32}, {{5, 33, 2, 2}, 1}};
  for (const Type& type : kTypes) {
    for (const Case& c : cases) {
      for (const bool channels_last : {true, false}) {
        Tensor input = 3 + 2 * torch::randn(c.sizes);  // a large mean, which costs careless sums their digits
        if (channels_last) input = input.contiguous(torch::MemoryFormat::ChannelsLast);
        for (const bool silu : {false, true}) {
          compare_norm(
              input, type, silu ? "norm and silu" : "norm", GroupNorm(c.groups, c.sizes[1], 1e-5),
              torch::nn::GroupNorm(torch::nn::GroupNormOptions(c.groups, c.sizes[1])),
              [&](const Tensor& x, GroupNorm& norm) { return silu ? norm->forward_silu(x) : norm->forward(x); },
              [&](const Tensor& x, torch::nn::GroupNorm& norm) { return silu ? torch::silu(norm(x)) : norm(x); });
        }
      }
    }
  }
}

TEST(Norms, LayerNormMatchesLibtorch) {
  torch::manual_seed(2);
  for (const Type& type : kTypes) {
    for (const auto& sizes : std::vector<std::vector<int64_t>>{{2, 5, 7}, {2, 77, 160}, {1, 192}}) {
      compare_norm(
          1 + torch::randn(sizes), type, "layer norm", LayerNorm(sizes.back()),
          torch::nn::LayerNorm(torch::nn::LayerNormOptions({sizes.back()})),
          [](const Tensor& x, LayerNorm& norm) { return norm->forward(x); },
          [](const Tensor& x, torch::nn::LayerNorm& norm) { return norm(x); });
    }
  }
}

TEST(Norms, LayerNormRoundsToBfloat16OnRequest) {
  torch::manual_seed(6);
  LayerNorm norm(70);
  const Tensor x = torch::randn({3, 5, 70});
  const Tensor wanted = norm->forward(x).to(torch::kBFloat16);
  EXPECT_TRUE(norm->forward(x, torch::kBFloat16).equal(wanted)) << "with a gradient";
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(norm->forward(x, torch::kBFloat16).equal(wanted));
}

TEST(GatedGelu, MatchesLibtorch) {
  torch::manual_seed(3);
  const auto wanted = [](const Tensor& ab) {
    const auto halves = ab.chunk(2, -1);
    return halves[0] * torch::gelu(halves[1]);
  };
  for (const Type& type : kTypes) {
    for (const auto& sizes : std::vector<std::vector<int64_t>>{{1, 2}, {3, 74}, {2, 40, 1280}}) {
      compare(2 * torch::randn(sizes), type, "geglu", gated_gelu, wanted);
    }
  }
}

// Against the definition, x Φ(x) with Φ by erfc in double: for large x libtorch's kernels differ from machine to
// machine.
TEST(GatedGelu, IsExactForLargeGates) {
  const std::vector<float> gates = {-3e38F, -60, -9, 9, 60, 3e38F};
  const auto count = static_cast<int64_t>(gates.size());
  const Tensor gate = torch::tensor(gates);
  const Tensor found = gated_gelu(torch::cat({torch::ones(count), gate}));
  const Tensor wanted = gate.to(torch::kDouble) * 0.5 * torch::erfc(gate.to(torch::kDouble) * -std::sqrt(0.5));
  EXPECT_TRUE(torch::allclose(found.to(torch::kDouble), wanted, 1e-6, 1e-12)) << found << wanted;
}

TEST(Norms, NanStaysInItsGroup) {
  Tensor map = torch::randn({1, 4, 2, 2}, torch::kFloat);
  map[0][1][0][1] = std::nanf("");
  GroupNorm norm(2, 4, 1e-5);
  for (const Type& type : kTypes) {
    const torch::NoGradGuard no_grad;
    const Tensor y = norm->forward_silu(map.to(type.scalar));
    EXPECT_TRUE(y.slice(1, 0, 2).isnan().all().item<bool>());
    EXPECT_FALSE(y.slice(1, 2, 4).isnan().any().item<bool>());
    EXPECT_TRUE(gated_gelu(map.to(type.scalar)).isnan().any().item<bool>());
  }
}

TEST(Norms, BitsDoNotDependOnThreads) {
  torch::manual_seed(4);
  const Tensor map = torch::randn({1, 64, 48, 48}).contiguous(torch::MemoryFormat::ChannelsLast);
  const Tensor tokens = torch::randn({3, 900, 64});
  GroupNorm group(16, 64, 1e-5);
  LayerNorm layer(64);
  const int before = at::get_num_threads();
  std::vector<std::vector<Tensor>> found;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const Tensor x = map.detach().requires_grad_(), t = tokens.detach().requires_grad_();
    group->zero_grad();
    layer->zero_grad();
    const Tensor y = group->forward_silu(x), z = gated_gelu(layer->forward(t));
    y.square().sum().backward();
    z.square().sum().backward();
    found.push_back({y, z, x.grad(), t.grad(), group->weight.grad().clone(), layer->weight.grad().clone()});
  }
  at::set_num_threads(before);
  for (size_t i = 0; i < found[0].size(); ++i) {
    EXPECT_TRUE(torch::equal(found[0][i], found[1][i])) << i;
    EXPECT_TRUE(torch::equal(found[0][i], found[2][i])) << i;
  }
}

}  // namespace
}  // namespace lucid::nn
