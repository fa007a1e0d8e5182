// SPDX-License-Identifier: Apache-2.0
// Winograd's convolution and its gradient against libtorch in double precision: to the last bit on integers that no
// step rounds, and as close as bfloat16 allows on other numbers.
#include "lucid/diffusion/winograd.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "lucid/base/machine.h"
#include "lucid/diffusion/layers.h"
#include "lucid/diffusion/off.h"
#include "lucid/diffusion/wide_convolution.h"

namespace lucid::diffusion {
namespace {

using test::off;
using torch::Tensor;

constexpr size_t kAnySize = size_t{1} << 40;

Tensor channels_last(const Tensor& x) { return x.contiguous(torch::MemoryFormat::ChannelsLast); }
Tensor exact(const Tensor& x) { return x.to(torch::kDouble); }

struct Threads {  // of the test alone
  explicit Threads(int count) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before); }
  int before = at::get_num_threads();
};

class Winograd : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_fast_bfloat16()) GTEST_SKIP() << "this processor has no AVX512-BF16";
    torch::manual_seed(31);
  }
};

struct Map {
  int64_t batch, height, width, in, out;
};
// One tile, odd edges, more tiles than one block holds, more threads than a small map has work for.
constexpr Map kMaps[] = {{1, 1, 1, 32, 32}, {1, 2, 2, 64, 32},   {2, 5, 7, 32, 64},   {3, 8, 8, 96, 160},
                         {1, 3, 1, 32, 32}, {1, 34, 30, 64, 64}, {2, 21, 16, 160, 96}};

TEST_F(Winograd, IsTheConvolutionToTheLastBitWhereNothingIsRounded) {
  for (const Map& map : kMaps) {
    for (const int threads : {1, 2, 3}) {
      SCOPED_TRACE(fmt::format("{} x {} x {}, {} -> {}, {} threads", map.batch, map.height, map.width, map.in, map.out,
                               threads));
      const Threads of_test(threads);
      const auto whole = [](int64_t low, int64_t high, at::IntArrayRef sizes) {
        return torch::randint(low, high, sizes, torch::kFloat);
      };
      // Sums of nine of these over four are integers that bfloat16 holds, as are sums of four pixels.
      const Tensor weight = channels_last(4 * whole(-3, 4, {map.out, map.in, 3, 3})).to(torch::kBFloat16);
      const Tensor bias = whole(-9, 10, {map.out}).to(torch::kBFloat16);
      const Tensor x = channels_last(whole(-4, 5, {map.batch, map.in, map.height, map.width}));
      const Tensor dy = channels_last(whole(-4, 5, {map.batch, map.out, map.height, map.width}));
      const WinogradFilters filters = make_winograd_filters(kAnySize, {});
      const Tensor input = exact(x).requires_grad_();
      const Tensor wanted = torch::conv2d(input, exact(weight), exact(bias), 1, 1);
      const Tensor y = winograd_convolution(x, weight, bias, filters);
      EXPECT_EQ(y.scalar_type(), torch::kFloat);
      EXPECT_TRUE(y.is_contiguous(torch::MemoryFormat::ChannelsLast));
      EXPECT_TRUE(exact(y).equal(wanted)) << off(y, wanted.detach());
      const Tensor d = torch::autograd::grad({wanted}, {input}, {exact(dy)})[0];
      EXPECT_TRUE(exact(winograd_gradient(dy, weight, filters)).equal(d));
    }
  }
}

TEST_F(Winograd, RoundsLittleMoreThanADirectConvolution) {
  for (const Map& map : kMaps) {
    const Tensor weight = channels_last(torch::randn({map.out, map.in, 3, 3})).to(torch::kBFloat16);
    const Tensor x = channels_last(torch::randn({map.batch, map.in, map.height, map.width}));
    const Tensor wanted = torch::conv2d(exact(x), exact(weight), {}, 1, 1);
    const WinogradFilters filters = make_winograd_filters(kAnySize, {});
    // Rounding x alone is 1.7e-3 off. Products of 25 / 9 the results' energy, of which all tiles and 21 / 25 of the
    // filters are rounded: 1.7e-3 * sqrt(46 / 9) = 3.8e-3.
    EXPECT_LT(off(winograd_convolution(x, weight, {}, filters), wanted), 6e-3);
  }
}

/// A convolution in bfloat16 of 64 channels, with its norm.
struct Layer {
  torch::nn::Conv2d conv = conv3x3(64, 64);
  torch::nn::GroupNorm norm = group_norm(8, 64, 1e-5);
  Layer() {
    conv->to(torch::kBFloat16);
    for (auto* module : {static_cast<torch::nn::Module*>(conv.get()), static_cast<torch::nn::Module*>(norm.get())}) {
      for (Tensor& parameter : module->parameters()) parameter.set_requires_grad(false);
    }
  }
  Tensor wanted(const Tensor& x) const {
    torch::nn::GroupNorm exact_norm = group_norm(8, 64, 1e-5);
    exact_norm->to(torch::kDouble);
    return torch::conv2d(torch::silu(exact_norm(x)), exact(conv->weight), exact(conv->bias), 1, 1);
  }
};

TEST_F(Winograd, ALayerOfANetworkUsesItThereAndBack) {
  if (!asks_onednn()) GTEST_SKIP() << "no wide maps in this build";
  Layer layer;
  const Tensor x = channels_last(torch::randn({2, 64, 12, 10})), up = torch::randn({2, 64, 12, 10});
  const Tensor input = exact(x).requires_grad_();
  const Tensor wanted = layer.wanted(input);
  const Tensor d_wanted = torch::autograd::grad({wanted}, {input}, {exact(up)})[0];
  const auto differences = [&] {
    const Tensor leaf = x.clone().requires_grad_();
    const Tensor y = applied(layer.conv, leaf, {.norm = &layer.norm});
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(applied(layer.conv, x, {.norm = &layer.norm}).equal(y)) << "with and without gradients";
    return std::pair(off(y.detach(), wanted.detach()), off(torch::autograd::grad({y}, {leaf}, {up})[0], d_wanted));
  };
  const auto direct = differences();
  keep_laid_out(*layer.conv, /*low_memory=*/false, {.least_pixels = 121});
  EXPECT_EQ(differences(), direct) << "the map is too small";
  keep_laid_out(*layer.conv, /*low_memory=*/false, {.least_pixels = 120});
  const auto tiled = differences();
  std::printf("  off by %.2e and %.2e (gradient) as tiles, %.2e and %.2e directly\n", tiled.first, tiled.second,
              direct.first, direct.second);
  EXPECT_NE(tiled.first, direct.first);
  EXPECT_NE(tiled.second, direct.second);
  EXPECT_LT(tiled.first, 5e-3);
  EXPECT_LT(tiled.second, 5e-3);
}

TEST_F(Winograd, FiltersThatChangeAreTransformedAnew) {
  const torch::NoGradGuard no_grad;
  Tensor weight = channels_last(torch::randn({32, 32, 3, 3})).to(torch::kBFloat16);
  const Tensor x = channels_last(torch::randn({1, 32, 6, 6}));
  const WinogradFilters filters = make_winograd_filters(kAnySize, {});
  const auto expect_right = [&](const char* what) {
    for (int again = 0; again < 2; ++again) {
      const Tensor wanted = torch::conv2d(exact(x), exact(weight), {}, 1, 1);
      EXPECT_LT(off(winograd_convolution(x, weight, {}, filters), wanted), 6e-3) << what;
    }
  };
  expect_right("at first");
  weight.mul_(-2);
  expect_right("changed in place");
  weight = channels_last(weight.flip(0));
  expect_right("others in their place");
}

TEST_F(Winograd, TakesConvolutionsOfThreeByThreeInWholePanels) {
  const auto takes = [](at::IntArrayRef sizes, size_t largest = kAnySize) {
    return takes_winograd(make_winograd_filters(largest, {}), torch::empty(sizes, torch::kBFloat16), 8, 8);
  };
  EXPECT_TRUE(takes({64, 32, 3, 3}));
  EXPECT_FALSE(takes({64, 32, 1, 1}));
  EXPECT_FALSE(takes({64, 4, 3, 3}));
  EXPECT_FALSE(takes({8, 32, 3, 3}));
  EXPECT_FALSE(takes({64, 32, 3, 3}, /*largest=*/64 * 32 * 9 * 2 - 1)) << "too large to be kept";
  EXPECT_FALSE(takes_winograd({}, torch::empty({64, 32, 3, 3}, torch::kBFloat16), 8, 8)) << "nothing is kept";
}

}  // namespace
}  // namespace lucid::diffusion
