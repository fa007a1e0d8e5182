// SPDX-License-Identifier: Apache-2.0
// AutoencoderKL: encoder and decoder towers, the posterior's sample, old attention names.
#include "lucid/diffusion/vae.h"

#include <fmt/format.h>

#include "lucid/diffusion/json_config.h"
#include "lucid/weights/state_dict.h"

namespace lucid::diffusion {
namespace {

namespace F = torch::nn::functional;

constexpr double kNormEps = 1e-6;
constexpr int64_t kMaxChannels = 65536, kMaxBlocks = 8;

/// Before 2023 diffusers named the attention's projections otherwise, and as 1x1 convolutions in the oldest files.
weights::StateDict with_new_names(weights::StateDict state) {
  constexpr std::pair<const char*, const char*> kRenamed[] = {
      {".query.", ".to_q."}, {".key.", ".to_k."}, {".value.", ".to_v."}, {".proj_attn.", ".to_out.0."}};
  std::map<std::string, torch::Tensor> renamed;
  for (const auto& [old_name, tensor] : state.tensors) {
    std::string name = old_name;
    for (const auto& [from, to] : kRenamed) {
      const size_t at = name.find(from);
      if (name.find(".attentions.") != std::string::npos && at != std::string::npos)
        name.replace(at, std::string(from).size(), to);
    }
    const bool convolution = name.find(".attentions.") != std::string::npos && tensor.dim() == 4;
    renamed[name] = convolution ? tensor.flatten(1) : tensor;
  }
  state.tensors = std::move(renamed);
  return state;
}

}  // namespace

VaeConfig VaeConfig::from_file(const std::filesystem::path& config_json) {
  const JsonConfig json(config_json);
  VaeConfig config;
  config.in_channels = json.whole("in_channels", 3, 3, 3);
  config.out_channels = json.whole("out_channels", 3, 3, 3);
  config.latent_channels = json.whole("latent_channels", 4, 1, kMaxChannels);
  config.block_out_channels = json.wholes("block_out_channels", {64}, 1, kMaxChannels);
  if (config.block_out_channels.empty() || config.block_out_channels.size() > kMaxBlocks) {
    json.refuse("block_out_channels", "has an impossible length");
  }
  config.layers_per_block = json.whole("layers_per_block", 1, 1, 16);
  config.norm_num_groups = json.whole("norm_num_groups", 32, 1, 1024);
  config.scaling_factor = json.get<double>("scaling_factor", 0.18215);
  for (const int64_t channels : config.block_out_channels) {
    if (channels % config.norm_num_groups != 0)
      json.refuse("norm_num_groups", fmt::format("does not divide {} channels", channels));
  }
  json.must_be("act_fn", "silu");
  for (const char* key : {"shift_factor", "latents_mean", "latents_std"}) json.must_be(key, nullptr);
  for (const char* key : {"mid_block_add_attention", "use_quant_conv", "use_post_quant_conv"}) json.must_be(key, true);
  for (const char* key : {"down_block_types", "up_block_types"}) {
    const std::string only = key[0] == 'd' ? "DownEncoderBlock2D" : "UpDecoderBlock2D";
    for (const std::string& type : json.get<std::vector<std::string>>(key, {})) {
      if (type != only) json.refuse(key, "holds a block that is not supported");
    }
  }
  return config;
}

VaeImpl::Tower VaeImpl::make_tower(const std::string& name, bool decoder) {
  const auto& widths = config_.block_out_channels;
  const int64_t deepest = widths.back(), groups = config_.norm_num_groups;
  const auto resnet = [&](const std::string& path, int64_t in, int64_t out) {
    Resnet module(
        ResnetImpl::Options{.in = in, .out = out, .time_width = 0, .norm_groups = groups, .norm_eps = kNormEps});
    register_path(*this, name + "." + path, module);
    return module;
  };
  Tower tower;
  tower.conv_in = decoder ? conv(config_.latent_channels, deepest, 3) : conv(config_.in_channels, widths.front(), 3);
  register_path(*this, name + ".conv_in", tower.conv_in);
  int64_t in = decoder ? deepest : widths.front();
  for (size_t i = 0; i < widths.size(); ++i) {
    const int64_t out = widths[decoder ? widths.size() - 1 - i : i];
    const std::string block = fmt::format("{}_blocks.{}", decoder ? "up" : "down", i);
    Level level;
    for (int64_t j = 0; j < config_.layers_per_block + (decoder ? 1 : 0); ++j, in = out) {
      level.resnets.push_back(resnet(fmt::format("{}.resnets.{}", block, j), in, out));
    }
    if (i + 1 < widths.size()) {
      level.resampler = decoder ? conv(out, out, 3) : conv(out, out, 3, 2, 0);
      register_path(*this, fmt::format("{}.{}.{}samplers.0.conv", name, block, decoder ? "up" : "down"),
                    level.resampler);
    }
    tower.levels.push_back(std::move(level));
  }
  tower.middle_1 = resnet("mid_block.resnets.0", deepest, deepest);
  tower.middle_attention = PixelAttention(deepest, groups);
  register_path(*this, name + ".mid_block.attentions.0", tower.middle_attention);
  tower.middle_2 = resnet("mid_block.resnets.1", deepest, deepest);
  const int64_t last = decoder ? widths.front() : deepest;
  tower.norm_out = group_norm(groups, last, kNormEps);
  register_path(*this, name + ".conv_norm_out", tower.norm_out);
  tower.conv_out = conv(last, decoder ? config_.out_channels : 2 * config_.latent_channels, 3);
  register_path(*this, name + ".conv_out", tower.conv_out);
  return tower;
}

VaeImpl::VaeImpl(const VaeConfig& config)
    : config_(config),
      encoder_(make_tower("encoder", false)),
      decoder_(make_tower("decoder", true)),
      quant_conv_(conv(2 * config.latent_channels, 2 * config.latent_channels, 1)),
      post_quant_conv_(conv(config.latent_channels, config.latent_channels, 1)) {
  register_module("quant_conv", quant_conv_);
  register_module("post_quant_conv", post_quant_conv_);
}

torch::Tensor VaeImpl::middle(Tower& tower, const std::string& name, torch::Tensor x) {
  x = tower.middle_2(tower.middle_attention(tower.middle_1(x)));
  if (on_activation) on_activation(name + ".mid_block", x);
  return x;
}

torch::Tensor VaeImpl::encode_moments(const torch::Tensor& picture) {
  torch::Tensor h = encoder_.conv_in(picture);
  for (size_t i = 0; i < encoder_.levels.size(); ++i) {
    Level& level = encoder_.levels[i];
    for (Resnet& resnet : level.resnets) h = resnet(h);
    // The encoder pads right and bottom only, then strides without padding.
    if (level.resampler) h = level.resampler(F::pad(h, F::PadFuncOptions({0, 1, 0, 1})));
    if (on_activation) on_activation(fmt::format("encoder.down_blocks.{}", i), h);
  }
  h = middle(encoder_, "encoder", h);
  return quant_conv_(encoder_.conv_out(torch::silu(encoder_.norm_out(h))));
}

torch::Tensor VaeImpl::decode(const torch::Tensor& latents) {
  torch::Tensor h = decoder_.conv_in(post_quant_conv_(latents / config_.scaling_factor));
  h = middle(decoder_, "decoder", h);
  for (size_t i = 0; i < decoder_.levels.size(); ++i) {
    Level& level = decoder_.levels[i];
    for (Resnet& resnet : level.resnets) h = resnet(h);
    if (level.resampler) {
      const std::vector<int64_t> size = {2 * h.size(2), 2 * h.size(3)};
      h = level.resampler(F::interpolate(h, F::InterpolateFuncOptions().size(size).mode(torch::kNearest)));
    }
    if (on_activation) on_activation(fmt::format("decoder.up_blocks.{}", i), h);
  }
  return decoder_.conv_out(torch::silu(decoder_.norm_out(h)));
}

torch::Tensor sample_latents(const torch::Tensor& moments, const torch::Tensor& noise, double scaling_factor) {
  const std::vector<torch::Tensor> halves = moments.chunk(2, 1);
  return (halves[0] + torch::exp(0.5 * halves[1].clamp(-30, 20)) * noise) * scaling_factor;
}

Vae load_vae(const std::filesystem::path& folder) {
  Vae vae(VaeConfig::from_file(folder / "config.json"));
  weights::load_into(*vae, with_new_names(weights::read_part(folder, "diffusion_pytorch_model")));
  vae->eval();
  return vae;
}

}  // namespace lucid::diffusion
