// SPDX-License-Identifier: Apache-2.0
// Linear layers by every LinearKernel that can be tested on this processor, against libtorch in double precision.
#include "lucid/nn/backends/panel_linear.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "lucid/base/machine.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/emulated/every_kernel.h"
#include "lucid/nn/linear.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::nn {
namespace {

using tensor::relative_error;
using torch::Tensor;

std::vector<const kernels::LinearKernel*> panel_kernels() {
  std::vector<const kernels::LinearKernel*> kernels;
  for (const kernels::Kernels& available : kernels::test::every_kernel()) {
    if (available.linear != nullptr) kernels.push_back(available.linear);
  }
  return kernels;
}

Tensor exact(const Tensor& x) { return x.defined() ? x.to(torch::kDouble) : Tensor(); }

struct Sizes {
  int64_t rows, in, out;
};
// One row, one input, more rows and more inputs than a block of the product; few rows and many, since threads divide
// those differently.
constexpr Sizes kSizes[] = {{1, 1, 32},    {1, 384, 96},    {5, 7, 64},    {16, 192, 192},
                            {64, 640, 32}, {193, 257, 672}, {801, 300, 96}};

TEST(PanelLinear, EveryKernelMatchesLibtorch) {
  torch::manual_seed(41);
  double worst = 0;
  for (const kernels::LinearKernel* kernel : panel_kernels()) {
    for (const Sizes& sizes : kSizes) {
      for (const torch::ScalarType type : {torch::kFloat, torch::kHalf, torch::kBFloat16}) {
        for (const bool has_bias : {true, false}) {
          const Tensor x = torch::randn({sizes.rows, sizes.in}), weight = torch::randn({sizes.out, sizes.in}).to(type);
          const Tensor bias = has_bias ? torch::randn({sizes.out}) : Tensor();
          const Tensor wanted = torch::linear(exact(x), exact(weight), exact(bias));
          for (const int threads : {1, 2, 3}) {
            SCOPED_TRACE(fmt::format("{} x {} -> {} in {}, {} threads", sizes.rows, sizes.in, sizes.out,
                                     c10::toString(type), threads));
            const int before = at::get_num_threads();
            at::set_num_threads(threads);
            const Tensor y = panel_linear(x, weight, bias, *kernel);
            at::set_num_threads(before);
            ASSERT_EQ(y.sizes(), wanted.sizes());
            EXPECT_LT(relative_error(y, wanted), 1e-6);
            worst = std::max(worst, relative_error(y, wanted));
          }
        }
      }
    }
  }
  fmt::print("  {} kernels; largest relative error {:.1e}\n", panel_kernels().size(), worst);
}

TEST(PanelLinear, Every16BitNumberIsConvertedExactly) {
  for (const torch::ScalarType type : {torch::kHalf, torch::kBFloat16}) {
    // x is the identity matrix: products with 1 and 0 are exact.
    const Tensor every = torch::arange(1 << 16, torch::kInt).to(torch::kShort).view(type);
    const Tensor finite = torch::where(every.to(torch::kFloat).isfinite(), every, torch::zeros_like(every));
    const Tensor weight = finite.view({2048, 32});
    for (const kernels::LinearKernel* kernel : panel_kernels()) {
      EXPECT_TRUE(panel_linear(torch::eye(32), weight, {}, *kernel).equal(weight.to(torch::kFloat).t()));
    }
  }
}

/// What choose_linear() says for a layer of 10 inputs without gradients.
LinearChoice choice_for(int64_t out, torch::ScalarType type) {
  const Tensor x = torch::empty({3, 10}), weight = torch::empty({out, 10}, type);
  return choose_linear({.x = x, .weight = weight, .bias = {}, .out_dtype = torch::kFloat, .policy = ComputePolicy()});
}

TEST(PanelLinear, IsChosenFor16BitAndSmallFloat32WeightsWithWholePanels) {
  const auto chosen = [](int64_t out, torch::ScalarType type) {
    return choice_for(out, type).method == LinearChoice::Method::kPanels;
  };
  for (const int64_t out : {64, 1 << 16}) {
    EXPECT_TRUE(chosen(out, torch::kHalf)) << out;
    EXPECT_TRUE(chosen(out, torch::kBFloat16)) << out;
    EXPECT_FALSE(chosen(out, torch::kDouble)) << out;
  }
  bool faster_than_libraries = false;
  for (const kernels::Kernels& available : kernels::available_kernels())
    faster_than_libraries |= available.linear_faster_than_libraries;
  EXPECT_EQ(chosen(64, torch::kFloat), faster_than_libraries && widest_isa() == Isa::kAvx2);
  EXPECT_FALSE(chosen(1 << 16, torch::kFloat)) << "libraries are as fast";
  EXPECT_FALSE(chosen(65, torch::kFloat));
  EXPECT_FALSE(chosen(65, torch::kHalf));
  const tensor::ReferenceOpsGuard reference;
  EXPECT_FALSE(chosen(64, torch::kHalf));
}

TEST(PanelLinear, LinearLayersUseIt) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(42);
  Linear layer(48, 96);
  const Tensor x = torch::randn({2, 70, 48});
  int checked = 0;
  for (const torch::ScalarType type : {torch::kFloat, torch::kHalf, torch::kBFloat16}) {
    layer->weight.set_data(layer->weight.to(type));
    const LinearChoice choice = choice_for(96, type);
    if (choice.method != LinearChoice::Method::kPanels) continue;
    ++checked;
    const Tensor y = layer->forward(x);
    EXPECT_TRUE(y.equal(panel_linear(x, layer->weight, layer->bias, *choice.panels)));
    EXPECT_LT(relative_error(y, torch::linear(exact(x), exact(layer->weight), exact(layer->bias))), 1e-6);
  }
  EXPECT_GT(checked, 0);
}

}  // namespace
}  // namespace lucid::nn
