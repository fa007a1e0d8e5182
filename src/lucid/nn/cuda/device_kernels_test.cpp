// SPDX-License-Identifier: Apache-2.0
// The GPU kernels of device_kernels.h on a CPU, under the emulation of CUDA, against libtorch in double precision.
#include "lucid/nn/cuda/device_kernels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lucid/base/rng.h"
#include "lucid/nn/cuda/launches.h"

namespace lucid::nn::emulation_test {
namespace {

using torch::Tensor;

constexpr auto kChannelsLast = torch::MemoryFormat::ChannelsLast;
struct Type {
  torch::ScalarType scalar;
  cuda::Dtype dtype;
  double limit;  // of the largest difference, relative to the largest value
};
constexpr Type kTypes[] = {{torch::kFloat, cuda::Dtype::kFloat, 2e-6},
                           {torch::kBFloat16, cuda::Dtype::kBfloat16, 6e-3}};

void expect_near(const Tensor& found, const Tensor& wanted, double limit, const std::string& what) {
  const double scale = std::max(wanted.abs().max().item<double>(), 1e-3);
  EXPECT_LE((found.to(torch::kDouble) - wanted).abs().max().item<double>() / scale, limit) << what;
}

struct Case {
  std::vector<int64_t> sizes;  // of a map
  int64_t groups;
};

class GroupNormKernels : public ::testing::TestWithParam<std::tuple<Case, bool>> {};

TEST_P(GroupNormKernels, ForwardAndGradientMatchLibtorch) {
  const auto& [c, silu] = GetParam();
  torch::manual_seed(1);
  const int64_t samples = c.sizes[0], channels = c.sizes[1], rows = c.sizes[2] * c.sizes[3];
  for (const Type& type : kTypes) {
    for (const int shift_axes : {0, 1, 2}) {
      const std::string what =
          fmt::format("{} {} shift of {} axes", c10::toString(type.scalar), fmt::join(c.sizes, "x"), shift_axes);
      const Tensor x = (3 + 2 * torch::randn(c.sizes)).to(type.scalar).contiguous(kChannelsLast);
      const Tensor d_y = torch::randn(c.sizes).to(type.scalar).contiguous(kChannelsLast);
      Tensor shift;
      if (shift_axes == 1) shift = torch::randn({channels}).to(type.scalar);
      if (shift_axes == 2) shift = torch::randn({samples, channels}).to(type.scalar);
      const Tensor weight = 1 + 0.5 * torch::randn({channels}), bias = 0.5 * torch::randn({channels});

      const auto double_leaf = [](const Tensor& x) { return x.to(torch::kDouble).detach().clone().requires_grad_(); };
      const Tensor exact = double_leaf(x), exact_weight = double_leaf(weight), exact_bias = double_leaf(bias);
      Tensor shifted = exact;
      if (shift_axes > 0) shifted = exact + shift.to(torch::kDouble).view({shift_axes == 1 ? 1 : samples, -1, 1, 1});
      Tensor wanted = torch::group_norm(shifted, c.groups, exact_weight, exact_bias, 1e-5);
      if (silu) wanted = torch::silu(wanted);
      wanted.backward(d_y.to(torch::kDouble));

      const cuda::GroupNormCall call{
          .dtype = type.dtype,
          .shape = {.samples = samples, .rows = rows, .channels = channels, .groups = c.groups},
          .x = x.data_ptr(),
          .weight = weight.data_ptr<float>(),
          .bias = bias.data_ptr<float>(),
          .shift = shift.defined() ? shift.data_ptr() : nullptr,
          .shift_stride = shift_axes == 2 ? channels : 0,
          .eps = 1e-5F,
          .silu = silu};
      const auto nans = [](at::IntArrayRef sizes) { return torch::full(sizes, std::nanf("")); };
      const Tensor sums = nans({emulated::group_norm_sums_size(call.shape)}),
                   coefficients = nans({samples, 2, channels});
      const Tensor statistics = nans({samples, c.groups, 2}), totals = nans({samples, 2, channels});
      const cuda::GroupNormScratch scratch{.sums = sums.data_ptr<float>(),
                                           .coefficients = coefficients.data_ptr<float>(),
                                           .statistics = statistics.data_ptr<float>()};
      const Tensor y = torch::full_like(x, std::nanf("")), d_x = torch::full_like(x, std::nanf(""));
      if (const auto slice = emulated::channel_slice_of(call.shape)) {
        emulated::group_norm_single_kernel(call, slice, scratch, y.data_ptr(), nullptr);
        expect_near(y, wanted.detach(), type.limit, what + " single kernel");
        const Tensor other_statistics = nans(statistics.sizes());
        const cuda::GroupNormScratch other{.sums = scratch.sums,
                                           .coefficients = scratch.coefficients,
                                           .statistics = other_statistics.data_ptr<float>()};
        y.fill_(std::nanf(""));
        emulated::group_norm_three_kernels(call, other, y.data_ptr(), nullptr);
        expect_near(statistics, other_statistics.to(torch::kDouble), 1e-6, what + " statistics");
      } else {
        emulated::group_norm_three_kernels(call, scratch, y.data_ptr(), nullptr);
      }
      expect_near(y, wanted.detach(), type.limit, what);
      emulated::group_norm_backward(call, scratch, d_y.data_ptr(), totals.data_ptr<float>(), d_x.data_ptr(), nullptr);
      expect_near(d_x, exact.grad(), 2 * type.limit, what + " d_x");
      expect_near(totals.sum(0)[0], exact_bias.grad(), 1e-5, what + " d_bias");
      expect_near(totals.sum(0)[1], exact_weight.grad(), 1e-5, what + " d_weight");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, GroupNormKernels,
                         testing::Combine(testing::Values(Case{{2, 8, 3, 5}, 4}, Case{{1, 16, 1, 7}, 2},
                                                          Case{{3, 48, 9, 8}, 16}, Case{{1, 320, 12, 11}, 32},
                                                          Case{{2, 520, 2, 2}, 2}, Case{{2, 960, 4, 5}, 32},
                                                          Case{{1, 32, 40, 40}, 32}),
                                          testing::Bool()));

TEST(GroupNormKernel, LargeMeanKeepsPrecision) {
  const Tensor x = (1e4 + torch::randn({1, 8, 16, 16})).contiguous(kChannelsLast);
  const Tensor weight = torch::ones({8}), bias = torch::zeros({8});
  const cuda::GroupNormCall call{.shape = {.samples = 1, .rows = 256, .channels = 8, .groups = 2},
                                 .x = x.data_ptr(),
                                 .weight = weight.data_ptr<float>(),
                                 .bias = bias.data_ptr<float>(),
                                 .eps = 1e-5F};
  const Tensor sums = torch::empty({emulated::group_norm_sums_size(call.shape)}), coefficients = torch::empty({16});
  const Tensor statistics = torch::empty({4}), y = torch::empty_like(x);
  emulated::group_norm_forward(call,
                               {.sums = sums.data_ptr<float>(),
                                .coefficients = coefficients.data_ptr<float>(),
                                .statistics = statistics.data_ptr<float>()},
                               y.data_ptr(), nullptr);
  const Tensor wanted = torch::group_norm(x.to(torch::kDouble), 2);
  expect_near(y, wanted, 2e-3, "large mean");  // x itself is rounded to 1e-3
}

TEST(TokenKernels, LayerNormOfSumMatchesLibtorch) {
  torch::manual_seed(2);
  for (const Type& wide : kTypes) {
    for (const Type& type : kTypes) {
      if (wide.scalar == torch::kBFloat16 && type.scalar == torch::kFloat) continue;
      for (const auto& sizes : std::vector<std::vector<int64_t>>{{1, 8}, {11, 320}, {9, 1280}, {3, 1536}}) {
        for (const bool with_branch : {false, true}) {
          const std::string what = fmt::format("{} {}", c10::toString(type.scalar), fmt::join(sizes, "x"));
          const Tensor x = (1 + torch::randn(sizes)).to(wide.scalar), branch = torch::randn(sizes).to(type.scalar);
          const Tensor weight = torch::randn({sizes[1]}), bias = torch::randn({sizes[1]});
          Tensor exact = x.to(torch::kDouble);
          if (with_branch) exact = (exact + branch.to(torch::kDouble));
          const Tensor wanted =
              torch::layer_norm(exact, {sizes[1]}, weight.to(torch::kDouble), bias.to(torch::kDouble));
          const Tensor sum = x.clone(), y = torch::full(sizes, std::nanf(""), x.options().dtype(type.scalar));
          emulated::layer_norm({.x_dtype = wide.dtype,
                                .dtype = type.dtype,
                                .rows = sizes[0],
                                .channels = static_cast<int>(sizes[1]),
                                .x = sum.data_ptr(),
                                .branch = with_branch ? branch.data_ptr() : nullptr,
                                .weight = weight.data_ptr<float>(),
                                .bias = bias.data_ptr<float>(),
                                .eps = 1e-5F,
                                .sum = sum.data_ptr(),
                                .y = y.data_ptr()},
                               nullptr);
          expect_near(y, wanted, type.limit, what);
          expect_near(sum, exact, wide.limit, what + " sum");
        }
      }
    }
  }
}

TEST(TokenKernels, GatedGeluMatchesDefinition) {
  torch::manual_seed(3);
  for (const Type& type : kTypes) {
    const Tensor ab = (2 * torch::randn({7, 80})).to(type.scalar);
    ab[0][40] = -60, ab[0][41] = 60, ab[0][42] = -3e38, ab[0][43] = 3e38, ab[0][2] = 1e-3, ab[0][3] = 1e-3;
    const Tensor y = torch::full({7, 40}, std::nanf(""), ab.options());
    emulated::gated_gelu(type.dtype, 7, 40, ab.data_ptr(), y.data_ptr(), nullptr);
    const auto halves = ab.to(torch::kDouble).chunk(2, 1);
    const Tensor wanted = halves[0] * 0.5 * halves[1] * torch::erfc(halves[1] * -std::sqrt(0.5));
    EXPECT_TRUE(torch::allclose(y.to(torch::kDouble), wanted, type.limit, 1e-6)) << (y - wanted).abs().max();
  }
}

TEST(TokenKernels, SumWithBiasesMatchesLibtorch) {
  torch::manual_seed(4);
  for (const Type& type : kTypes) {
    for (const int biases : {0, 1, 2, 3}) {
      const Tensor a = torch::randn({300, 24}).to(type.scalar), b = torch::randn({300, 24}).to(type.scalar);
      const Tensor bias = torch::randn({24}).to(type.scalar), other = torch::randn({24}).to(type.scalar);
      const Tensor y = torch::full_like(a, std::nanf(""));
      emulated::sum({.a_dtype = type.dtype,
                     .dtype = type.dtype,
                     .rows = 300,
                     .channels = 24,
                     .a = a.data_ptr(),
                     .b = b.data_ptr(),
                     .bias = (biases & 1) != 0 ? bias.data_ptr() : nullptr,
                     .other_bias = (biases & 2) != 0 ? other.data_ptr() : nullptr,
                     .y = y.data_ptr()},
                    nullptr);
      Tensor wanted = a.to(torch::kDouble) + b.to(torch::kDouble);
      if ((biases & 1) != 0) wanted = wanted + bias.to(torch::kDouble);
      if ((biases & 2) != 0) wanted = wanted + other.to(torch::kDouble);
      expect_near(y, wanted, type.limit, fmt::format("biases {}", biases));
    }
  }
}

}  // namespace
}  // namespace lucid::nn::emulation_test
