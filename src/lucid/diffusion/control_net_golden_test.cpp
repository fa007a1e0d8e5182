// SPDX-License-Identifier: Apache-2.0
// A depth ControlNet against diffusers: its residuals, and the U-Net's output with them.
#include <gtest/gtest.h>

#include "lucid/base/error.h"
#include "lucid/diffusion/control_net.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/golden_test.h"

namespace lucid::diffusion {
namespace {

TEST(ControlNetGolden, ResidualsAndUNetOutput) {
  constexpr double kLimit = 2e-5;
  const torch::NoGradGuard no_grad;
  const auto folder = lucid::test::goldens() / "adapters";
  const auto base = weights::read_safetensors(folder / "base.safetensors").tensors;
  const auto expected = weights::read_safetensors(folder / "controlnet.expected.safetensors").tensors;
  ControlNet net = load_control_net(folder / "controlnet");
  UNet unet = load_unet(lucid::test::goldens() / "distill/unet");
  const torch::Tensor &x = base.at("sample"), &t = base.at("timestep"), &context = base.at("context");
  const torch::Tensor depth = expected.at("depth").expand({-1, 3, -1, -1});
  test::Comparison comparison("controlnet");
  for (const double scale : {1.0, 0.5}) {
    const ControlResiduals residuals = net->forward(x, t, context, depth, scale);
    for (size_t i = 0; i < residuals.down.size(); ++i) {
      const std::string name = fmt::format("down_{}@1.0", i);
      comparison.expect(name, residuals.down[i] / scale, expected.at(name), kLimit);
    }
    comparison.expect("mid", residuals.mid / scale, expected.at("mid@1.0"), kLimit);
    const std::string out = fmt::format("unet_out@{:.1f}", scale);
    comparison.expect(out, unet->forward(x, t, context, {.control = &residuals}), expected.at(out), kLimit);
  }
}

TEST(ControlNetGolden, DenoiserUsesEachRowsControlImage) {
  const torch::NoGradGuard no_grad;
  const auto folder = lucid::test::goldens() / "adapters";
  const auto base = weights::read_safetensors(folder / "base.safetensors").tensors;
  const auto expected = weights::read_safetensors(folder / "controlnet.expected.safetensors").tensors;
  UNet unet = load_unet(lucid::test::goldens() / "distill/unet");
  for (const int64_t workers : {1, 2}) {
    UNetDenoiser denoiser(unet, {.workers = workers}, {.net = load_control_net(folder / "controlnet"), .scale = 0.5});
    EXPECT_TRUE(denoiser.needs_control_images());
    denoiser.set_control_images(expected.at("depth").expand({-1, 3, -1, -1}));
    const auto twice = [](const torch::Tensor& x) { return torch::cat({x, x}); };  // two prompts, as in guidance
    const torch::Tensor out =
        denoiser.predict(twice(base.at("sample")), twice(base.at("timestep")), twice(base.at("context")));
    EXPECT_LT(tensor::relative_max_error(out, twice(expected.at("unet_out@0.5"))), 2e-5);
  }
}

/// A parameter's name in the original code's layout, from its name in diffusers (for the golden ControlNet).
std::string original_name(const std::string& name) {
  constexpr std::pair<const char*, const char*> kParts[] = {
      {"conv_in.", "input_blocks.0.0."},
      {"time_embedding.linear_1.", "time_embed.0."},
      {"time_embedding.linear_2.", "time_embed.2."},
      {"down_blocks.0.resnets.0.", "input_blocks.1.0."},
      {"down_blocks.0.attentions.0.", "input_blocks.1.1."},
      {"down_blocks.0.downsamplers.0.conv.", "input_blocks.2.0.op."},
      {"down_blocks.1.resnets.0.", "input_blocks.3.0."},
      {"mid_block.resnets.0.", "middle_block.0."},
      {"mid_block.attentions.0.", "middle_block.1."},
      {"mid_block.resnets.1.", "middle_block.2."},
      {"controlnet_mid_block.", "middle_block_out.0."},
      {"controlnet_down_blocks.0.", "zero_convs.0.0."},
      {"controlnet_down_blocks.1.", "zero_convs.1.0."},
      {"controlnet_down_blocks.2.", "zero_convs.2.0."},
      {"controlnet_down_blocks.3.", "zero_convs.3.0."},
      {"controlnet_cond_embedding.conv_in.", "input_hint_block.0."},
      {"controlnet_cond_embedding.blocks.0.", "input_hint_block.2."},
      {"controlnet_cond_embedding.blocks.1.", "input_hint_block.4."},
      {"controlnet_cond_embedding.blocks.2.", "input_hint_block.6."},
      {"controlnet_cond_embedding.blocks.3.", "input_hint_block.8."},
      {"controlnet_cond_embedding.blocks.4.", "input_hint_block.10."},
      {"controlnet_cond_embedding.blocks.5.", "input_hint_block.12."},
      {"controlnet_cond_embedding.conv_out.", "input_hint_block.14."}};
  constexpr std::pair<const char*, const char*> kResnet[] = {
      {"norm1.", "in_layers.0."},  {"conv1.", "in_layers.2."},  {"time_emb_proj.", "emb_layers.1."},
      {"norm2.", "out_layers.0."}, {"conv2.", "out_layers.3."}, {"conv_shortcut.", "skip_connection."}};
  const auto renamed = [](const std::string& whole, const auto& table) {
    for (const auto& [from, to] : table) {
      if (whole.starts_with(from)) return to + whole.substr(std::string(from).size());
    }
    return whole;
  };
  const std::string now = renamed(name, kParts);
  const size_t at = name.find("resnets.") == std::string::npos ? 0 : now.rfind('.', now.rfind('.') - 1) + 1;
  return "control_model." + (at == 0 ? now : now.substr(0, at) + renamed(now.substr(at), kResnet));
}

TEST(ControlNetGolden, SingleFilesOfBothLayoutsLoadTheSameWeights) {
  const auto folder = lucid::test::goldens() / "adapters" / "controlnet";
  const UNetConfig unet = UNetConfig::from_file(lucid::test::goldens() / "distill/unet/config.json");
  ControlNet wanted = load_control_net(folder);
  const lucid::test::TemporaryFolder temporary;
  const auto original = temporary.path / "control.safetensors";
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& entry : wanted->named_parameters()) tensors[original_name(entry.key())] = entry.value().detach();
  weights::write_safetensors(original, tensors);
  for (const auto& file : {folder / "diffusion_pytorch_model.safetensors", original}) {
    ControlNet net = load_control_net_file(file, unet);
    EXPECT_EQ(net->config().embedding_channels, wanted->config().embedding_channels);
    for (const auto& entry : wanted->named_parameters()) {
      EXPECT_TRUE(net->named_parameters()[entry.key()].equal(entry.value())) << entry.key();
    }
  }
  UNetConfig other = unet;
  other.block_out_channels[0] = 24;
  EXPECT_THROW(load_control_net_file(original, other), UserError);
  EXPECT_THROW(load_control_net_file(lucid::test::goldens() / "adapters/ti_single.safetensors", unet), UserError);
}

}  // namespace
}  // namespace lucid::diffusion
