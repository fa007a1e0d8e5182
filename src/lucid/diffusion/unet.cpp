// SPDX-License-Identifier: Apache-2.0
// See unet.h.
#include "lucid/diffusion/unet.h"

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/diffusion/fused.h"
#include "lucid/diffusion/layers.h"
#include "lucid/weights/state_dict.h"

namespace lucid::diffusion {
namespace {

constexpr double kMaxPeriod = 10000;

bool has_attention(const std::string& block_type) { return block_type.starts_with("CrossAttn"); }

// Level i of the way down; the middle and the way up start from it.
UNetLevel level_of(const UNetConfig& config, size_t i) {
  const auto& widths = config.block_out_channels;
  return {.in = widths[i == 0 ? 0 : i - 1],
          .out = widths[i],
          .layers = config.layers_per_block,
          .attention = has_attention(config.down_block_types[i]),
          .resize = i + 1 < widths.size(),
          .time_width = 4 * widths[0],
          .eps = config.norm_eps,
          .transformer = {.channels = widths[i],
                          .context_width = config.cross_attention_dim,
                          .heads = config.heads_per_block[i],
                          .groups = config.norm_num_groups,
                          .linear_projection = config.use_linear_projection}};
}

UNetLevel mid_level_of(const UNetConfig& config) {
  UNetLevel level = level_of(config, config.block_out_channels.size() - 1);
  level.attention = config.mid_cross_attention;
  return level;
}

// Way up, lowest resolution first: step i is the mirror image of level n-1-i.
UNetLevel up_level_of(const UNetConfig& config, size_t i) {
  const size_t levels = config.block_out_channels.size(), mirror = levels - 1 - i;
  UNetLevel level = level_of(config, mirror);
  level.below = config.block_out_channels[std::min(mirror + 1, levels - 1)];
  level.layers = config.layers_per_block + 1;
  level.attention = has_attention(config.up_block_types[i]);
  level.resize = mirror > 0;
  return level;
}

}  // namespace

torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width) {
  LUCID_CHECK(width % 2 == 0, "width {}", width);
  const int64_t half = width / 2;
  const auto float32 = torch::TensorOptions(torch::kFloat).device(timesteps.device());
  // The library's order of float32 operations: at t = 981 another order differs in the sixth digit.
  const torch::Tensor frequencies = torch::exp(-std::log(kMaxPeriod) * torch::arange(half, float32) / half);
  const torch::Tensor angles = timesteps.to(torch::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
  return torch::cat({angles.cos(), angles.sin()}, 1);
}

UNetImpl::UNetImpl(const UNetConfig& config)
    : config_(config),
      conv_in_(register_module("conv_in", conv3x3(config.in_channels, config.block_out_channels[0]))),
      conv_out_(register_module("conv_out", conv3x3(config.block_out_channels[0], config.out_channels))),
      time_linear_1_(config.block_out_channels[0], 4 * config.block_out_channels[0]),
      time_linear_2_(4 * config.block_out_channels[0], 4 * config.block_out_channels[0]),
      mid_(register_module("mid_block", MidLevel(mid_level_of(config)))),
      conv_norm_out_(register_module(
          "conv_norm_out", group_norm(config.norm_num_groups, config.block_out_channels[0], config.norm_eps))) {
  const auto time = register_module("time_embedding", torch::nn::ModuleList());
  time->register_module("linear_1", time_linear_1_);
  time->register_module("linear_2", time_linear_2_);
  torch::nn::ModuleList down, up;
  for (size_t i = 0; i < config.block_out_channels.size(); ++i) {
    down->push_back(down_.emplace_back(level_of(config, i)));
    up->push_back(up_.emplace_back(up_level_of(config, i)));
  }
  register_module("down_blocks", down);
  register_module("up_blocks", up);
}

torch::Tensor UNetImpl::time_embedding(const torch::Tensor& timesteps) {
  const torch::Tensor sinusoid = timestep_embedding(timesteps, config_.block_out_channels[0]);
  return time_linear_2_(activate(time_linear_1_(sinusoid.to(time_linear_1_->weight.scalar_type()))));
}

torch::Tensor UNetImpl::forward(const torch::Tensor& x, const torch::Tensor& timesteps, const torch::Tensor& context) {
  LUCID_CHECK(x.dim() == 4 && x.size(1) == config_.in_channels, "x has {} axes", x.dim());
  LUCID_CHECK(context.dim() == 3 && context.size(0) == x.size(0) && timesteps.numel() == x.size(0),
              "x {}, context {}, timesteps {} in the batch", x.size(0), context.size(0), timesteps.numel());
  const Watch watch(on_activation);
  const torch::Tensor time = time_embedding(timesteps);
  watch("time_embedding", time);
  const Conditioning conditioning{.time = torch::silu(time), .context = context};

  // Channels last throughout: tokens are then a view of the map, and the convolutions need no reordering.
  torch::Tensor h = conv_in_(x.contiguous(torch::MemoryFormat::ChannelsLast));
  watch("conv_in", h);
  std::vector<torch::Tensor> skips{h};
  for (size_t i = 0; i < down_.size(); ++i) {
    const std::string name = fmt::format("down_blocks.{}", i);
    h = down_[i](h, conditioning, skips, watch.inside(name));
    watch(name, h);
  }
  h = mid_(h, conditioning);
  watch("mid_block", h);
  for (size_t i = 0; i < up_.size(); ++i) {
    const std::string name = fmt::format("up_blocks.{}", i);
    h = up_[i](h, conditioning, skips, watch.inside(name));
    watch(name, h);
  }
  return conv_out_(normalised(h, conv_norm_out_, After::kSilu)).contiguous();
}

UNet load_unet(const std::filesystem::path& folder) {
  UNet unet(UNetConfig::from_file(folder / "config.json"));
  weights::load_into(*unet, weights::read_part(folder, "diffusion_pytorch_model"));
  lay_out_channels_last(*unet);
  return unet;
}

}  // namespace lucid::diffusion
