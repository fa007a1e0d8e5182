// SPDX-License-Identifier: Apache-2.0
// Winograd convolutions and their gradients, by every kernel that can be tested on this processor, against libtorch in
// double precision: within the rounding error of float32 or bfloat16; and bit for bit in bfloat16 on small integers,
// which no step rounds.
#include "lucid/nn/backends/winograd.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lucid/base/machine.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/conv2d.h"
#include "lucid/nn/emulated/every_kernel.h"
#include "lucid/tensor/freeze.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::nn {
namespace {

using tensor::relative_error;
using torch::Tensor;

Tensor channels_last(const Tensor& x) { return x.contiguous(torch::MemoryFormat::ChannelsLast); }
Tensor in_double(const Tensor& x) { return x.to(torch::kDouble); }

/// Sets libtorch's number of threads while it lives.
struct ThreadCountGuard {
  explicit ThreadCountGuard(int count) { at::set_num_threads(count); }
  ~ThreadCountGuard() { at::set_num_threads(before); }
  int before = at::get_num_threads();
};

std::vector<const kernels::WinogradKernel*> winograd_kernels() {
  std::vector<const kernels::WinogradKernel*> kernels;
  for (const kernels::Kernels& available : kernels::test::every_kernel()) {
    kernels.push_back(available.winograd);
    if (available.winograd_small_maps != nullptr) kernels.push_back(available.winograd_small_maps);
  }
  return kernels;
}

/// Limit of the relative error. bfloat16: rounding one operand gives 1.7e-3. The products of transformed tiles have
/// 25/9 of the outputs' energy, and all tiles and 21/25 of the filters are rounded: 1.7e-3 * sqrt(46 / 9) = 3.8e-3.
/// float32: sums of a thousand products have 7e-7, Winograd tiles 1.3e-6.
double limit_of(const kernels::WinogradKernel& kernel) { return kernel.bfloat16_tiles ? 6e-3 : 2e-6; }

struct Map {
  int64_t batch, height, width, in, out;
};
// One tile, odd sizes, more tiles than a block, fewer tiles than threads, filters larger than the cache.
constexpr Map kMaps[] = {{1, 1, 1, 32, 32},    {1, 2, 2, 64, 32},   {2, 5, 7, 32, 64},
                         {3, 8, 8, 96, 160},   {1, 3, 1, 32, 32},   {1, 34, 30, 64, 64},
                         {2, 21, 16, 160, 96}, {1, 66, 70, 32, 32}, {1, 28, 29, 288, 256}};

TEST(Winograd, EveryKernelMatchesConvolutionAndGradient) {
  torch::manual_seed(31);
  const std::vector<const kernels::WinogradKernel*> kernels = winograd_kernels();
  double worst = 0;
  for (const Map& map : kMaps) {
    for (const torch::ScalarType type : {torch::kFloat, torch::kHalf, torch::kBFloat16}) {
      const Tensor weight = channels_last(torch::randn({map.out, map.in, 3, 3})).to(type);
      const Tensor bias = torch::randn({map.out});
      const Tensor x = channels_last(torch::randn({map.batch, map.in, map.height, map.width}));
      const Tensor d_y = channels_last(torch::randn({map.batch, map.out, map.height, map.width}));
      const Tensor input = in_double(x).requires_grad_();
      const Tensor wanted = torch::conv2d(input, in_double(weight), in_double(bias), 1, 1);
      const Tensor d = torch::autograd::grad({wanted}, {input}, {in_double(d_y)})[0];
      for (const kernels::WinogradKernel* kernel : kernels) {
        if (kernel->bfloat16_tiles && type != torch::kBFloat16) continue;
        for (const int threads : {1, 2, 3}) {
          SCOPED_TRACE(fmt::format("{}, weights in {}: {} x {} x {}, {} -> {}, {} threads", kernel->name,
                                   c10::toString(type), map.batch, map.height, map.width, map.in, map.out, threads));
          const ThreadCountGuard thread_count(threads);
          const WinogradFilterCache cache = make_winograd_filter_cache();
          const Tensor y = winograd_convolution(x, weight, bias, *kernel, cache);
          EXPECT_EQ(y.scalar_type(), torch::kFloat);
          EXPECT_TRUE(y.is_contiguous(torch::MemoryFormat::ChannelsLast));
          EXPECT_LT(relative_error(y, wanted.detach()), limit_of(*kernel));
          EXPECT_LT(relative_error(winograd_gradient(d_y, weight, *kernel, cache), d), limit_of(*kernel));
          if (!kernel->bfloat16_tiles) worst = std::max(worst, relative_error(y, wanted.detach()));
        }
      }
    }
  }
  std::printf("  %zu kernels; largest relative error in float32 %.2e\n", kernels.size(), worst);
}

TEST(Winograd, Bfloat16IsExactOnSmallIntegers) {
  const auto kernels = winograd_kernels();
  const auto bfloat16_tiles = [](const kernels::WinogradKernel* kernel) { return kernel->bfloat16_tiles; };
  const auto found = std::ranges::find_if(kernels, bfloat16_tiles);
  if (found == kernels.end()) GTEST_SKIP() << "no such kernel can be tested here";
  torch::manual_seed(31);
  for (const Map& map : kMaps) {
    const auto whole = [](int64_t low, int64_t high, at::IntArrayRef sizes) {
      return torch::randint(low, high, sizes, torch::kFloat);
    };
    // Transformed filters (sums of nine of these over four) and tiles (sums of four pixels) are integers that bfloat16
    // represents.
    const Tensor weight = channels_last(4 * whole(-3, 4, {map.out, map.in, 3, 3})).to(torch::kBFloat16);
    const Tensor bias = whole(-9, 10, {map.out}).to(torch::kBFloat16);
    const Tensor x = channels_last(whole(-4, 5, {map.batch, map.in, map.height, map.width}));
    const Tensor d_y = channels_last(whole(-4, 5, {map.batch, map.out, map.height, map.width}));
    const WinogradFilterCache cache = make_winograd_filter_cache();
    const Tensor input = in_double(x).requires_grad_();
    const Tensor wanted = torch::conv2d(input, in_double(weight), in_double(bias), 1, 1);
    const Tensor y = winograd_convolution(x, weight, bias, **found, cache);
    EXPECT_TRUE(in_double(y).equal(wanted)) << relative_error(y, wanted.detach());
    const Tensor d = torch::autograd::grad({wanted}, {input}, {in_double(d_y)})[0];
    EXPECT_TRUE(in_double(winograd_gradient(d_y, weight, **found, cache)).equal(d));
  }
}

TEST(Winograd, Float32ErrorIsCloseToDirectConvolution) {
  torch::manual_seed(32);
  for (const Map& map : {Map{1, 16, 16, 192, 192}, Map{1, 32, 32, 64, 64}}) {
    const Tensor weight = channels_last(torch::randn({map.out, map.in, 3, 3}));
    const Tensor x = channels_last(torch::randn({map.batch, map.in, map.height, map.width}));
    const Tensor wanted = torch::conv2d(in_double(x), in_double(weight), {}, 1, 1);
    const double direct = relative_error(torch::conv2d(x, weight, {}, 1, 1), wanted);
    const kernels::WinogradKernel& kernel = *choose_winograd(weight, x.sizes(), /*in_bfloat16=*/false);
    const double tiled =
        relative_error(winograd_convolution(x, weight, {}, kernel, make_winograd_filter_cache()), wanted);
    std::printf("  relative error %.2e as tiles, %.2e directly\n", tiled, direct);
    EXPECT_LT(tiled, 6 * direct);
  }
}

/// A convolution of 64 channels after a GroupNorm with SiLU.
struct NormAndConv {
  Conv2d conv = conv3x3(64, 64);
  GroupNorm norm{8, 64, 1e-5};
  explicit NormAndConv(torch::ScalarType type) {
    conv->to(type);
    for (auto* module : {static_cast<torch::nn::Module*>(conv.get()), static_cast<torch::nn::Module*>(norm.get())}) {
      tensor::freeze(module);
    }
  }
  Tensor wanted(const Tensor& x) const {
    const Tensor normed = torch::group_norm(x, 8, in_double(norm->weight), in_double(norm->bias), 1e-5);
    return torch::conv2d(torch::silu(normed), in_double(conv->weight), in_double(conv->bias), 1, 1);
  }
};

struct Errors {
  double y, gradient;
  bool operator==(const Errors&) const = default;
};
/// Relative errors of the layer's output and of its input's gradient.
Errors errors_of(NormAndConv& layer) {
  torch::manual_seed(33);
  const Tensor x = channels_last(torch::randn({2, 64, 12, 10})), d_y = torch::randn({2, 64, 12, 10});
  const Tensor input = in_double(x).requires_grad_();
  const Tensor wanted = layer.wanted(input);
  const Tensor leaf = x.clone().requires_grad_();
  const Tensor y = layer.conv->forward_norm_silu(leaf, layer.norm);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(layer.conv->forward_norm_silu(x, layer.norm).equal(y)) << "with and without gradients";
  return {relative_error(y.detach(), wanted.detach()),
          relative_error(torch::autograd::grad({y}, {leaf}, {d_y})[0],
                         torch::autograd::grad({wanted}, {input}, {in_double(d_y)})[0])};
}

TEST(Winograd, FrozenBfloat16LayerUsesItForwardAndBackward) {
  if (!uses_onednn(torch::kBFloat16)) GTEST_SKIP() << "no float32 maps in a bfloat16 network here";
  NormAndConv layer(torch::kBFloat16);
  const Errors direct = errors_of(layer);
  freeze_layers(*layer.conv, /*low_memory=*/false, /*round_activations=*/true);
  const Errors tiled = errors_of(layer);
  if (has_bfloat16_matrix_units()) {
    EXPECT_EQ(tiled, direct) << "AMX computes it, as it does before freezing";
  } else {
    std::printf("  relative error %.2e and %.2e (gradient) as tiles, %.2e and %.2e directly\n", tiled.y, tiled.gradient,
                direct.y, direct.gradient);
    EXPECT_NE(tiled.y, direct.y);
    EXPECT_NE(tiled.gradient, direct.gradient);
  }
  EXPECT_LT(tiled.y, 5e-3);
  EXPECT_LT(tiled.gradient, 5e-3);
  freeze_layers(*layer.conv, /*low_memory=*/false, /*round_activations=*/false);
  const Errors exactly = errors_of(layer);
  EXPECT_LT(exactly.y, 3e-6) << "only the weights are bfloat16";
  EXPECT_LT(exactly.gradient, 3e-6);
}

TEST(Winograd, FrozenFloat32LayerUsesItForwardAndBackward) {
  NormAndConv layer(torch::kFloat);
  const Errors direct = errors_of(layer);
  freeze_layers(*layer.conv, /*low_memory=*/false, /*round_activations=*/true);  // ignored in a float32 network
  const Errors tiled = errors_of(layer);
  EXPECT_NE(tiled.y, direct.y);
  EXPECT_NE(tiled.gradient, direct.gradient);
  EXPECT_LT(tiled.y, 3e-6);
  EXPECT_LT(tiled.gradient, 3e-6);
}

TEST(Winograd, ChangedFiltersAreTransformedAgain) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(34);
  for (const kernels::WinogradKernel* kernel : winograd_kernels()) {
    Tensor weight =
        channels_last(torch::randn({32, 32, 3, 3})).to(kernel->bfloat16_tiles ? torch::kBFloat16 : torch::kFloat);
    const Tensor x = channels_last(torch::randn({1, 32, 6, 6}));
    const WinogradFilterCache cache = make_winograd_filter_cache();
    const auto expect_right = [&](const char* what) {
      for (int again = 0; again < 2; ++again) {
        const Tensor wanted = torch::conv2d(in_double(x), in_double(weight), {}, 1, 1);
        EXPECT_LT(relative_error(winograd_convolution(x, weight, {}, *kernel, cache), wanted), limit_of(*kernel))
            << kernel->name << " " << what;
      }
    };
    expect_right("at first");
    weight.mul_(-2);
    expect_right("changed in place");
    weight = channels_last(weight.flip(0));
    expect_right("another tensor");
  }
}

TEST(Winograd, IsChosenFor3x3ConvolutionsWithWholePanels) {
  const auto chosen = [](at::IntArrayRef sizes, torch::ScalarType type, bool in_bfloat16 = false) {
    return choose_winograd(torch::empty(sizes, type), {1, sizes[1], 8, 8}, in_bfloat16) != nullptr;
  };
  for (const torch::ScalarType type : {torch::kFloat, torch::kHalf, torch::kBFloat16}) {
    EXPECT_TRUE(chosen({64, 32, 3, 3}, type));
    EXPECT_EQ(chosen({64, 32, 3, 3}, type, /*in_bfloat16=*/true), type == torch::kBFloat16 && has_fast_bfloat16());
    EXPECT_FALSE(chosen({64, 4, 3, 3}, type));
    EXPECT_FALSE(chosen({4, 32, 3, 3}, type));
  }
  EXPECT_TRUE(chosen({1280, 1280, 3, 3}, torch::kFloat));
  EXPECT_FALSE(chosen({64, 32, 3, 3}, torch::kDouble));

  const Tensor x = torch::empty({1, 32, 8, 8});
  const auto method = [&](Conv2d conv, bool frozen, int64_t extra_padding = 0) {
    tensor::freeze(conv);
    if (frozen) freeze_layers(*conv, /*low_memory=*/false, /*round_activations=*/false);
    return conv->choose(x, extra_padding).method;
  };
  using Method = Conv2dChoice::Method;
  EXPECT_EQ(method(conv3x3(32, 64), /*frozen=*/true), Method::kWinograd);
  EXPECT_NE(method(conv3x3(32, 64), /*frozen=*/true, /*extra_padding=*/1), Method::kWinograd);
  EXPECT_NE(method(conv3x3(32, 64), /*frozen=*/false), Method::kWinograd);
  EXPECT_NE(method(conv3x3(32, 64, /*stride=*/2), /*frozen=*/true), Method::kWinograd);
  EXPECT_NE(method(conv1x1(32, 64), /*frozen=*/true), Method::kWinograd);
  const tensor::ReferenceOpsGuard reference;
  EXPECT_EQ(method(conv3x3(32, 64), /*frozen=*/true), Method::kLibtorch);
}

TEST(Winograd, FiltersTooLargeToPackGetFloat32Tiles) {
  if (!uses_onednn(torch::kBFloat16)) GTEST_SKIP() << "no float32 maps in a bfloat16 network here";
  if (has_bfloat16_matrix_units()) GTEST_SKIP() << "AMX computes these; LUCID_ISA=avx512 tests the tiles";
  Conv2d conv = conv3x3(32, 64);
  conv->to(torch::kBFloat16);
  const Tensor x = torch::empty({1, 32, 8, 8});
  const auto bfloat16_tiles = [&](int64_t packed_bytes) {
    conv->set_policy(
        {.dtype = torch::kBFloat16, .frozen = true, .packed_bytes = packed_bytes, .round_activations = true});
    return conv->choose(x).winograd->bfloat16_tiles;
  };
  const auto bytes = static_cast<int64_t>(conv->weight.nbytes());
  EXPECT_FALSE(bfloat16_tiles(bytes - 1));
  EXPECT_TRUE(bfloat16_tiles(bytes));
}

}  // namespace
}  // namespace lucid::nn
