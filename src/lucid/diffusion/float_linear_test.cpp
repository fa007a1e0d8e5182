// SPDX-License-Identifier: Apache-2.0
// Linear layers by every kernel of float_linear.h that this processor runs, against libtorch in double precision.
#include "lucid/diffusion/float_linear.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "lucid/diffusion/kernels.h"
#include "lucid/diffusion/laid_out.h"
#include "lucid/diffusion/off.h"

namespace lucid::diffusion {
namespace {

using test::off;
using torch::Tensor;

constexpr size_t kAnySize = size_t{1} << 40;

std::vector<const LinearKernel*> every_kernel() {
  std::vector<const LinearKernel*> kernels;
  for (const Kernels& here : kernels_here()) {
    if (here.linear != nullptr) kernels.push_back(here.linear);
  }
  return kernels;
}

Tensor exact(const Tensor& x) { return x.defined() ? x.to(torch::kDouble) : Tensor(); }

struct Sizes {
  int64_t rows, in, out;
};
// One row, one number, more rows than a block has; few rows and many, which threads share differently.
constexpr Sizes kSizes[] = {{1, 1, 32},    {1, 384, 96},   {5, 7, 64},    {16, 192, 192},
                            {64, 640, 32}, {97, 257, 672}, {401, 300, 96}};

TEST(FloatLinear, EveryKernelGivesTheLayer) {
  if (every_kernel().empty()) GTEST_SKIP() << "no such kernel runs here";
  torch::manual_seed(41);
  double worst = 0;
  for (const LinearKernel* kernel : every_kernel()) {
    for (const Sizes& sizes : kSizes) {
      for (const int threads : {1, 2, 3}) {
        for (const bool has_bias : {true, false}) {
          SCOPED_TRACE(fmt::format("{} x {} -> {}, {} threads", sizes.rows, sizes.in, sizes.out, threads));
          const Tensor x = torch::randn({sizes.rows, sizes.in}), weight = torch::randn({sizes.out, sizes.in});
          const Tensor bias = has_bias ? torch::randn({sizes.out}) : Tensor();
          const int before = at::get_num_threads();
          at::set_num_threads(threads);
          const Tensor y = linear_by_panels(x, weight, bias, make_panel_weights(kAnySize, kernel));
          at::set_num_threads(before);
          const Tensor wanted = torch::linear(exact(x), exact(weight), exact(bias));
          ASSERT_EQ(y.sizes(), wanted.sizes());
          EXPECT_LT(off(y, wanted), 1e-6);
          worst = std::max(worst, off(y, wanted));
        }
      }
    }
  }
  fmt::print("  off by at most {:.1e}\n", worst);
}

TEST(FloatLinear, TakesFloatWeightsInWholePanelsThatMayBeKept) {
  if (every_kernel().empty()) GTEST_SKIP() << "no such kernel runs here";
  const LinearKernel* kernel = every_kernel().front();
  const auto takes = [&](int64_t out, torch::ScalarType type, size_t largest = kAnySize) {
    return takes_panels(make_panel_weights(largest, kernel), torch::empty({out, 10}, type));
  };
  EXPECT_TRUE(takes(64, torch::kFloat));
  EXPECT_TRUE(takes(64, torch::kFloat, 2560));
  EXPECT_FALSE(takes(64, torch::kFloat, 2559)) << "too large to be kept";
  EXPECT_FALSE(takes(1 << 16, torch::kFloat)) << "libraries are as fast";
  EXPECT_FALSE(takes(65, torch::kFloat));
  EXPECT_FALSE(takes(64, torch::kBFloat16));
  EXPECT_FALSE(takes_panels({}, torch::empty({64, 10}))) << "nothing is kept";
}

TEST(FloatLinear, ALayerUsesItAndNoticesThatItsWeightsChange) {
  if (!takes_panels(make_panel_weights(kAnySize), torch::empty({96, 48}))) {
    GTEST_SKIP() << "oneDNN or libtorch is faster on this processor";
  }
  const torch::NoGradGuard no_grad;
  torch::manual_seed(42);
  torch::nn::Linear layer = linear(48, 96);
  keep_laid_out(*layer, /*low_memory=*/false);
  const Tensor x = torch::randn({2, 70, 48});
  const auto expect_right = [&](const char* what) {
    for (int again = 0; again < 2; ++again) {
      const Tensor wanted = torch::linear(exact(x), exact(layer->weight), exact(layer->bias));
      const Tensor y = applied(layer, x);
      EXPECT_EQ(y.sizes(), wanted.sizes());
      EXPECT_LT(off(y, wanted), 1e-6) << what;
    }
  };
  expect_right("at first");
  layer->weight.mul_(-2);
  expect_right("changed in place");
  layer->weight.set_data(layer->weight.flip(0).contiguous());
  expect_right("others in their place");
}

}  // namespace
}  // namespace lucid::diffusion
