// SPDX-License-Identifier: Apache-2.0
// The U-Net put together: time embedding, down, middle, up.
#include "lucid/diffusion/unet.h"

#include <fmt/format.h>

#include <cmath>

#include "lucid/weights/state_dict.h"

namespace lucid::diffusion {
namespace {

UNetBlock make_down(const UNetConfig& config, size_t i) {
  const bool cross = config.down_block_types[i] == "CrossAttnDownBlock2D";
  return UNetBlock(BlockOptions{.name = fmt::format("down_blocks.{}", i),
                                .in = config.block_out_channels[i == 0 ? 0 : i - 1],
                                .out = config.block_out_channels[i],
                                .layers = config.layers_per_block,
                                .heads = cross ? config.heads_per_block[i] : 0,
                                .resample = i + 1 < config.block_out_channels.size()},
                   config, false);
}

UNetBlock make_up(const UNetConfig& config, size_t i) {
  const size_t count = config.block_out_channels.size(), level = count - 1 - i;  // up blocks go from the coarsest level
  const bool cross = config.up_block_types[i] == "CrossAttnUpBlock2D";
  return UNetBlock(BlockOptions{.name = fmt::format("up_blocks.{}", i),
                                .in = config.block_out_channels[level == 0 ? 0 : level - 1],
                                .out = config.block_out_channels[level],
                                .previous = config.block_out_channels[i == 0 ? level : level + 1],
                                .layers = config.layers_per_block + 1,
                                .heads = cross ? config.heads_per_block[level] : 0,
                                .resample = i + 1 < count},
                   config, true);
}

}  // namespace

torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width) {
  const int64_t half = width / 2;
  const torch::Tensor exponent = torch::arange(half, timesteps.options().dtype(torch::kFloat32)) *
                                 (-std::log(10000.0) / static_cast<double>(half));
  const torch::Tensor angles = timesteps.to(torch::kFloat32).unsqueeze(1) * exponent.exp().unsqueeze(0);  // [B,half]
  return torch::cat({angles.cos(), angles.sin()}, 1);
}

UNetImpl::UNetImpl(const UNetConfig& config)
    : config_(config),
      conv_in_(conv(config.in_channels, config.block_out_channels.front(), 3)),
      conv_out_(conv(config.block_out_channels.front(), config.out_channels, 3)),
      time_1_(config.block_out_channels.front(), 4 * config.block_out_channels.front()),
      time_2_(4 * config.block_out_channels.front(), 4 * config.block_out_channels.front()),
      norm_out_(group_norm(config.norm_num_groups, config.block_out_channels.front(), config.norm_eps)),
      middle_(config, config.block_out_channels.back(), config.heads_per_block.back()) {
  register_module("conv_in", conv_in_);
  register_path(*this, "time_embedding.linear_1", time_1_);
  register_path(*this, "time_embedding.linear_2", time_2_);
  for (size_t i = 0; i < config.block_out_channels.size(); ++i) {
    down_.push_back(make_down(config, i));
    register_path(*this, fmt::format("down_blocks.{}", i), down_.back());
    up_.push_back(make_up(config, i));
    register_path(*this, fmt::format("up_blocks.{}", i), up_.back());
  }
  register_module("mid_block", middle_);
  register_module("conv_norm_out", norm_out_);
  register_module("conv_out", conv_out_);
}

torch::Tensor UNetImpl::forward(const torch::Tensor& x, const torch::Tensor& timesteps, const torch::Tensor& context) {
  const torch::Tensor sinusoid = timestep_embedding(timesteps, config_.block_out_channels.front()).to(x.dtype());
  const torch::Tensor time = time_2_(torch::silu(time_1_(sinusoid)));
  const torch::Tensor activated_time = torch::silu(time);
  const BlockContext block_context{activated_time, context, on_activation};
  torch::Tensor h = conv_in_(x);
  if (on_activation) {
    on_activation("time_embedding", time);
    on_activation("conv_in", h);
  }
  std::vector<torch::Tensor> skips = {h};
  for (UNetBlock& block : down_) h = block->down(h, block_context, skips);
  h = middle_(h, block_context);
  for (UNetBlock& block : up_) h = block->up(h, block_context, skips);
  return conv_out_(torch::silu(norm_out_(h)));
}

UNet load_unet(const std::filesystem::path& folder) {
  UNet unet(UNetConfig::from_file(folder / "config.json"));
  weights::load_into(*unet, weights::read_part(folder, "diffusion_pytorch_model"));
  unet->eval();
  return unet;
}

}  // namespace lucid::diffusion
