// SPDX-License-Identifier: Apache-2.0
// Sizes of levels from a UNetConfig, and the sinusoidal time embedding.
#include "lucid/diffusion/unet_levels.h"

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/nn/layout.h"

namespace lucid::diffusion {
namespace {

constexpr double kMaxPeriod = 10000;

bool has_attention(const std::string& block_type) { return block_type.starts_with("CrossAttn"); }

}  // namespace

UNetLevel down_level_of(const UNetConfig& config, size_t i) {
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
                          .depth = config.transformer_depths.at(i),
                          .linear_projection = config.use_linear_projection}};
}

UNetLevel mid_level_of(const UNetConfig& config) {
  UNetLevel level = down_level_of(config, config.block_out_channels.size() - 1);
  level.attention = config.mid_cross_attention;
  return level;
}

UNetLevel up_level_of(const UNetConfig& config, size_t i) {
  const size_t levels = config.block_out_channels.size(), mirror = levels - 1 - i;
  UNetLevel level = down_level_of(config, mirror);
  level.below = config.block_out_channels[std::min(mirror + 1, levels - 1)];
  level.layers = config.layers_per_block + 1;
  level.attention = has_attention(config.up_block_types[i]);
  level.resize = mirror > 0;
  return level;
}

torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width) {
  LUCID_CHECK(width % 2 == 0, "width {}", width);
  const int64_t half = width / 2;
  const auto float32 = torch::TensorOptions(torch::kFloat).device(timesteps.device());
  // diffusers' order of float32 operations: another order differs in the sixth digit at t = 981.
  const torch::Tensor frequencies = torch::exp(-std::log(kMaxPeriod) * torch::arange(half, float32) / half);
  const torch::Tensor angles = timesteps.to(torch::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
  return torch::cat({angles.cos(), angles.sin()}, 1);
}

VectorEmbeddingImpl::VectorEmbeddingImpl(int64_t in, int64_t out)
    : linear_1_(register_module("linear_1", nn::Linear(in, out))),
      linear_2_(register_module("linear_2", nn::Linear(out, out))) {}

torch::Tensor VectorEmbeddingImpl::forward(const torch::Tensor& vector) {
  return linear_2_->forward(nn::silu_in_place(linear_1_->forward(vector.to(linear_1_->policy().dtype))));
}

TimeEmbeddingImpl::TimeEmbeddingImpl(int64_t width) : VectorEmbeddingImpl(width, 4 * width), width_(width) {}

torch::Tensor TimeEmbeddingImpl::forward(const torch::Tensor& timesteps) {
  return VectorEmbeddingImpl::forward(timestep_embedding(timesteps, width_));
}

}  // namespace lucid::diffusion
