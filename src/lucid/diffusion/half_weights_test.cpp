// SPDX-License-Identifier: Apache-2.0
// Networks that compute in float32 by weights that stay in float16, beside the same networks all in float32.
#include <gtest/gtest.h>

#include "lucid/diffusion/cpu/kernels.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/golden_test.h"
#include "lucid/diffusion/in_precision.h"
#include "lucid/diffusion/layers.h"
#include "lucid/diffusion/off.h"
#include "lucid/diffusion/picture_encoder.h"
#include "lucid/diffusion/plain.h"

namespace lucid::diffusion {
namespace {

using test::off;
using torch::Tensor;

const WeightTypes kHalves{torch::kFloat, /*half_too=*/true};

std::filesystem::path mini() { return lucid::test::source_dir() / "models/mini"; }  // its files are in float16

template <class Module>
Module frozen(Module module) {
  for (Tensor& parameter : module->parameters()) parameter.set_requires_grad(false);
  return module;
}

TEST(HalfWeights, StayInTheLayersThatReadThem) {
  const UNet unet = load_unet(mini() / "unet", kHalves);
  EXPECT_EQ(precision_of(unet), torch::kFloat);
  const auto parameters = unet->named_parameters();
  const auto type_of = [&](const char* name) { return parameters[name].scalar_type(); };
  EXPECT_EQ(type_of("down_blocks.0.resnets.0.conv1.weight"), torch::kHalf);
  EXPECT_EQ(type_of("down_blocks.1.attentions.0.proj_in.weight"), torch::kHalf);
  EXPECT_EQ(type_of("mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight"), torch::kHalf);
  EXPECT_EQ(type_of("conv_in.weight"), torch::kFloat) << "of 16 channels";
  EXPECT_EQ(type_of("down_blocks.0.downsamplers.0.conv.weight"), torch::kFloat) << "steps by two pixels";
  int64_t half = 0, all = 0;
  for (const auto& parameter : parameters) {
    const bool is_half = parameter.value().scalar_type() == torch::kHalf;
    EXPECT_TRUE(!is_half || parameter.key().ends_with(".weight")) << parameter.key();
    all += parameter.value().numel();
    half += is_half ? parameter.value().numel() : 0;
  }
  EXPECT_GT(half, all * 9 / 10);
  for (const WeightTypes& types : {WeightTypes(torch::kFloat), WeightTypes(torch::kBFloat16, true)}) {
    for (const Tensor& parameter : load_unet(mini() / "unet", types)->parameters()) {
      EXPECT_NE(parameter.scalar_type(), torch::kHalf);
    }
  }
}

TEST(HalfWeights, AreReadByEveryKernel) {
  for (const Kernels& here : kernels_here()) {
    if (here.linear == nullptr) continue;  // those of bfloat16
    EXPECT_EQ(32 % here.linear->panel, 0);
    EXPECT_EQ(32 % here.winograd->panel, 0) << here.winograd->name;
    EXPECT_EQ(32 % here.winograd_of_few->panel, 0) << here.winograd_of_few->name;
  }
  const auto takes_half = [](const auto& layer) { return dynamic_cast<const KeepsLaidOut&>(*layer).takes_half(); };
  EXPECT_TRUE(takes_half(conv3x3(32, 64)));
  EXPECT_TRUE(takes_half(linear(7, 32)));
  EXPECT_FALSE(takes_half(conv3x3(16, 32)));
  EXPECT_FALSE(takes_half(conv3x3(32, 16)));
  EXPECT_FALSE(takes_half(conv3x3(32, 32, /*stride=*/2)));
  EXPECT_FALSE(takes_half(conv3x3(32, 32, /*stride=*/1, /*padding=*/0)));
  EXPECT_FALSE(takes_half(conv1x1(32, 32)));
  EXPECT_FALSE(takes_half(linear(32, 16)));
}

TEST(HalfWeights, GiveAUNetsNumbers) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(51);
  const Tensor x = torch::randn({3, 16, 16, 16}), t = torch::full({3}, 400, torch::kLong);
  const PromptMix prompts(torch::randn({3, 77, 128}));
  UNetDenoiser floats(frozen(load_unet(mini() / "unet"))), halves(frozen(load_unet(mini() / "unet", kHalves)));
  const Tensor wanted = floats.predict(x, t, prompts);
  EXPECT_LT(off(halves.predict(x, t, prompts), wanted), 1e-5);
  const PlainOperators plain;
  EXPECT_LT(off(halves.predict(x, t, prompts), wanted), 1e-4);
}

TEST(HalfWeights, GiveAnEncodersNumbersAndGradient) {
  torch::manual_seed(52);
  const Tensor picture = torch::rand({2, 3, 64, 64}), d_moments = torch::randn({2, 32, 8, 8});
  PictureEncoder floats(frozen(load_vae(mini() / "vae"))), halves(frozen(load_vae(mini() / "vae", kHalves)));
  EXPECT_LT(off(halves.encode(picture), floats.encode(picture)), 1e-5);
  EXPECT_LT(off(halves.backward(d_moments), floats.backward(d_moments)), 1e-5);
}

TEST(HalfWeights, AConvertedCopyHasNone) {
  const UNet halves = load_unet(mini() / "unet", kHalves), floats = load_unet(mini() / "unet");
  const UNet low = in_precision(halves, torch::kBFloat16), wanted = in_precision(floats, torch::kBFloat16);
  for (const auto& parameter : low->named_parameters()) {
    EXPECT_TRUE(parameter.value().equal(wanted->named_parameters()[parameter.key()])) << parameter.key();
  }
}

}  // namespace
}  // namespace lucid::diffusion
