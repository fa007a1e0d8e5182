// SPDX-License-Identifier: Apache-2.0
// float32 networks whose weights stay in float16 or bfloat16 (WeightDtypes::keep_16_bit), against the same networks
// with float32 weights.
#include <gtest/gtest.h>

#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/golden_test.h"
#include "lucid/diffusion/image_encoder.h"
#include "lucid/nn/cast_module.h"
#include "lucid/nn/emulated/every_kernel.h"
#include "lucid/nn/layout.h"
#include "lucid/tensor/freeze.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"

namespace lucid::diffusion {
namespace fs = std::filesystem;
namespace {

using tensor::relative_error;
using torch::Tensor;

const nn::WeightDtypes kHalves{torch::kFloat, /*keep_16_bit_weights=*/true};

fs::path mini() { return lucid::test::source_dir() / "models/mini"; }  // its files are in float16

/// The embedded prior's U-Net and VAE, in files with weights of the parameter's dtype.
class HalfWeights : public testing::TestWithParam<torch::ScalarType> {
 protected:
  HalfWeights() {
    for (const char* part : {"unet", "vae"}) {
      fs::create_directory(folder(part));
      fs::copy(mini() / part / "config.json", folder(part));
      weights::StateDict state = weights::read_part(mini() / part, kStem);
      for (auto& [name, tensor] : state.tensors) tensor = tensor.to(GetParam());
      weights::write_safetensors(folder(part) / (kStem + ".safetensors"), state.tensors);
    }
  }
  UNet unet(const nn::WeightDtypes& types = kHalves) const { return load_unet(folder("unet"), types); }
  Vae vae(const nn::WeightDtypes& types = kHalves) const { return load_vae(folder("vae"), types); }

 private:
  fs::path folder(const std::string& part) const { return temporary_.path / part; }

  const std::string kStem = "diffusion_pytorch_model";
  lucid::test::TemporaryFolder temporary_;
};

bool is_half(const Tensor& weight) { return weight.element_size() == 2; }

TEST_P(HalfWeights, StayInLayersWithKernelsForThem) {
  const UNet halves = unet();
  EXPECT_EQ(nn::compute_dtype(*halves), torch::kFloat);
  const auto parameters = halves->named_parameters();
  const auto type_of = [&](const char* name) { return parameters[name].scalar_type(); };
  EXPECT_EQ(type_of("down_blocks.0.resnets.0.conv1.weight"), GetParam());
  EXPECT_EQ(type_of("down_blocks.1.attentions.0.proj_in.weight"), GetParam());
  EXPECT_EQ(type_of("mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight"), GetParam());
  EXPECT_EQ(type_of("conv_in.weight"), torch::kFloat) << "16 input channels";
  EXPECT_EQ(type_of("down_blocks.0.downsamplers.0.conv.weight"), torch::kFloat) << "stride 2";
  int64_t half = 0, all = 0;
  for (const auto& parameter : parameters) {
    const bool stays = is_half(parameter.value());
    EXPECT_TRUE(!stays || parameter.key().ends_with(".weight")) << parameter.key();
    all += parameter.value().numel();
    half += stays ? parameter.value().numel() : 0;
  }
  EXPECT_GT(half, all * 9 / 10);
  for (const Tensor& parameter : unet(torch::kFloat)->parameters()) EXPECT_FALSE(is_half(parameter));
  for (const Tensor& parameter : unet({torch::kBFloat16, /*keep_16_bit_weights=*/true})->parameters()) {
    EXPECT_NE(parameter.scalar_type(), torch::kHalf);
  }
}

TEST(HalfWeightsOfLayers, PanelsOfAllKernelsDivideTheirChannels) {
  for (const nn::kernels::Kernels& available : nn::kernels::test::every_kernel()) {
    if (available.linear == nullptr) continue;  // the bfloat16 kernels
    EXPECT_EQ(32 % available.linear->panel, 0);
    EXPECT_EQ(32 % available.winograd->panel, 0) << available.winograd->name;
    EXPECT_EQ(32 % available.winograd_small_maps->panel, 0) << available.winograd_small_maps->name;
  }
  const auto takes_half = [](const auto& layer) { return layer->reads_16_bit_weights(); };
  EXPECT_TRUE(takes_half(nn::conv3x3(32, 64)));
  EXPECT_TRUE(takes_half(nn::Linear(7, 32)));
  EXPECT_FALSE(takes_half(nn::conv3x3(16, 32)));
  EXPECT_FALSE(takes_half(nn::conv3x3(32, 16)));
  EXPECT_FALSE(takes_half(nn::conv3x3(32, 32, /*stride=*/2)));
  EXPECT_FALSE(takes_half(nn::conv3x3(32, 32, /*stride=*/1, /*padding=*/0)));
  EXPECT_FALSE(takes_half(nn::conv1x1(32, 32)));
  EXPECT_FALSE(takes_half(nn::Linear(32, 16)));
}

TEST_P(HalfWeights, GiveTheSameUNetOutput) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(51);
  const Tensor x = torch::randn({3, 16, 16, 16}), t = torch::full({3}, 400, torch::kLong);
  const nn::PromptMix prompts(torch::randn({3, 77, 128}));
  UNetDenoiser floats(tensor::freeze(unet(torch::kFloat))), halves(tensor::freeze(unet()));
  const Tensor wanted = floats.predict(x, t, prompts);
  EXPECT_LT(relative_error(halves.predict(x, t, prompts), wanted), 1e-5);
  const tensor::ReferenceOpsGuard reference;
  EXPECT_LT(relative_error(halves.predict(x, t, prompts), wanted), 1e-4);
}

TEST_P(HalfWeights, GiveTheSameEncoderOutputAndGradient) {
  torch::manual_seed(52);
  const Tensor image = torch::rand({2, 3, 64, 64}), d_moments = torch::randn({2, 32, 8, 8});
  ImageEncoder floats(tensor::freeze(vae(torch::kFloat))), halves(tensor::freeze(vae()));
  EXPECT_LT(relative_error(halves.encode(image), floats.encode(image)), 1e-5);
  EXPECT_LT(relative_error(halves.backward(d_moments), floats.backward(d_moments)), 1e-5);
}

TEST_P(HalfWeights, CastModuleConvertsAllWeights) {
  const UNet halves = unet(), floats = unet(torch::kFloat);
  const UNet low = nn::cast_module(halves, torch::kBFloat16), wanted = nn::cast_module(floats, torch::kBFloat16);
  for (const auto& parameter : low->named_parameters()) {
    EXPECT_TRUE(parameter.value().equal(wanted->named_parameters()[parameter.key()])) << parameter.key();
  }
}

INSTANTIATE_TEST_SUITE_P(OfFiles, HalfWeights, testing::Values(torch::kHalf, torch::kBFloat16),
                         [](const auto& type) { return std::string(c10::toString(type.param)); });

}  // namespace
}  // namespace lucid::diffusion
