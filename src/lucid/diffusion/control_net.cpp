// SPDX-License-Identifier: Apache-2.0
// ControlNet: construction, forward pass, loading of folders and single files.
#include "lucid/diffusion/control_net.h"

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/nn/load_module.h"
#include "lucid/weights/ldm.h"
#include "lucid/weights/state_dict.h"
#include "lucid/weights/torch_file.h"

namespace lucid::diffusion {
namespace {

/// 1x1 convolution of a residual; training starts it at zero.
nn::Conv2d zero_conv(int64_t channels) { return nn::conv1x1(channels, channels); }

}  // namespace

ControlNetConfig ControlNetConfig::from_file(const std::filesystem::path& config_json) {
  const JsonConfig json(config_json);
  json.only("_class_name", "ControlNetModel");
  json.only("global_pool_conditions", false);
  json.only("controlnet_conditioning_channel_order", "rgb");
  json.none_of({"addition_embed_type", "projection_class_embeddings_input_dim", "addition_time_embed_dim"});
  ControlNetConfig config;
  config.unet = UNetConfig::down_path_from(json);
  config.conditioning_channels = json.positive("conditioning_channels", config.conditioning_channels);
  config.embedding_channels = json.positives("conditioning_embedding_out_channels", config.embedding_channels);
  return config;
}

ControlNetImpl::ControlNetImpl(const ControlNetConfig& config)
    : config_(config),
      conv_in_(register_module("conv_in", nn::conv3x3(config.unet.in_channels, config.unet.block_out_channels[0]))),
      time_embedding_(register_module("time_embedding", TimeEmbedding(config.unet.block_out_channels[0]))),
      mid_(register_module("mid_block", MidLevel(mid_level_of(config.unet)))),
      mid_out_(register_module("controlnet_mid_block", zero_conv(config.unet.block_out_channels.back()))) {
  const auto& channels = config.embedding_channels;
  const auto embedding = register_module("controlnet_cond_embedding", std::make_shared<torch::nn::Module>());
  const auto add = [&](const std::shared_ptr<torch::nn::Module>& to, const std::string& name, int64_t in, int64_t out,
                       int64_t stride) {
    image_convs_.push_back(to->register_module(name, nn::conv3x3(in, out, stride)));
  };
  add(embedding, "conv_in", config.conditioning_channels, channels[0], 1);
  const auto blocks = embedding->register_module("blocks", std::make_shared<torch::nn::Module>());
  for (size_t i = 0; i + 1 < channels.size(); ++i) {
    add(blocks, fmt::format("{}", 2 * i), channels[i], channels[i], 1);
    add(blocks, fmt::format("{}", 2 * i + 1), channels[i], channels[i + 1], 2);
  }
  add(embedding, "conv_out", channels.back(), config.unet.block_out_channels[0], 1);

  torch::nn::ModuleList down, out;
  down_out_.push_back(zero_conv(config.unet.block_out_channels[0]));
  for (size_t i = 0; i < config.unet.block_out_channels.size(); ++i) {
    const UNetLevel level = down_level_of(config.unet, i);
    down->push_back(down_.emplace_back(level));
    for (int64_t k = 0; k < level.layers + (level.resize ? 1 : 0); ++k) down_out_.push_back(zero_conv(level.out));
  }
  for (const auto& conv : down_out_) out->push_back(conv);
  register_module("down_blocks", down);
  register_module("controlnet_down_blocks", out);
}

ControlResiduals ControlNetImpl::forward(const torch::Tensor& x, const torch::Tensor& timesteps,
                                         const nn::Context& context, const torch::Tensor& image, double scale) {
  torch::Tensor embedding = image.contiguous(torch::MemoryFormat::ChannelsLast);
  for (size_t i = 0; i < image_convs_.size(); ++i) {
    embedding = image_convs_[i]->forward(embedding);
    if (i + 1 < image_convs_.size()) embedding = torch::silu(embedding);
  }
  const Conditioning conditioning{.time = torch::silu(time_embedding_(timesteps)), .context = context};
  torch::Tensor h = conv_in_->forward(x.contiguous(torch::MemoryFormat::ChannelsLast));
  LUCID_CHECK(embedding.sizes() == h.sizes(), "the control image's embedding is {} x {}, the latents are {} x {}",
              embedding.size(2), embedding.size(3), h.size(2), h.size(3));
  h = h + embedding;
  std::vector<torch::Tensor> skips{h};
  const tensor::ActivationHook no_hook;
  for (auto& level : down_) h = level(h, conditioning, skips, no_hook);
  h = mid_(h, conditioning);
  ControlResiduals residuals;
  for (size_t i = 0; i < skips.size(); ++i) residuals.down.push_back(down_out_[i](skips[i]) * scale);
  residuals.mid = mid_out_(h) * scale;
  return residuals;
}

ControlNet load_control_net_file(const std::filesystem::path& file, const UNetConfig& unet,
                                 const nn::WeightDtypes& dtypes) {
  weights::StateDict state = weights::control_net_of(weights::read_weights(file));
  const auto size = [&](const std::string& name, int64_t axis) {
    const auto it = state.tensors.find(name + ".weight");
    if (it == state.tensors.end() || it->second.dim() != 4) {
      throw UserError(UserMistake{.what_happened = "is missing", .file = file.string(), .key = name + ".weight"});
    }
    return it->second.size(axis);
  };
  if (size("conv_in", 0) != unet.block_out_channels[0] || size("conv_in", 1) != unet.in_channels) {
    throw UserError(UserMistake{
        .what_happened = fmt::format("takes {} channels to {}, the prior's U-Net {} to {}", size("conv_in", 1),
                                     size("conv_in", 0), unet.in_channels, unet.block_out_channels[0]),
        .file = file.string(),
        .hint = "the ControlNet was made for another model"});
  }
  const std::string prefix = "controlnet_cond_embedding.";
  ControlNetConfig config{.unet = unet,
                          .conditioning_channels = size(prefix + "conv_in", 1),
                          .embedding_channels = {size(prefix + "conv_in", 0)}};
  for (int64_t i = 1; state.tensors.contains(fmt::format("{}blocks.{}.weight", prefix, i)); i += 2) {
    config.embedding_channels.push_back(size(fmt::format("{}blocks.{}", prefix, i), 0));
  }
  return nn::load_module<ControlNet>(config, std::move(state), dtypes);
}

ControlNet load_control_net(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes) {
  return nn::load_module<ControlNet>(ControlNetConfig::from_file(folder / "config.json"),
                                     weights::read_part(folder, "diffusion_pytorch_model"), dtypes);
}

}  // namespace lucid::diffusion
