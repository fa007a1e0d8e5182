// SPDX-License-Identifier: Apache-2.0
// Construction and forward passes of the VAE's encoder and decoder.
#include "lucid/diffusion/vae_blocks.h"

#include <fmt/format.h>

namespace lucid::diffusion {
namespace {

constexpr double kEps = 1e-6;  // of every norm of the VAE

Resnet make_resnet(int64_t in, int64_t out, int64_t groups) {
  return Resnet(ResnetSizes{.in = in, .out = out, .groups = groups, .eps = kEps});
}

// `count` resnets, the first from sizes.in to sizes.out channels; registered in `block` as resnets.0 …
std::vector<Resnet> add_resnets(torch::nn::ModuleList& block, int64_t count, ResnetSizes sizes) {
  std::vector<Resnet> resnets;
  torch::nn::ModuleList list;
  for (int64_t layer = 0; layer < count; ++layer) {
    list->push_back(resnets.emplace_back(make_resnet(layer == 0 ? sizes.in : sizes.out, sizes.out, sizes.groups)));
  }
  block->register_module("resnets", list);
  return resnets;
}

}  // namespace

VaeMidImpl::VaeMidImpl(int64_t channels, int64_t groups)
    : before_(make_resnet(channels, channels, groups)),
      after_(make_resnet(channels, channels, groups)),
      attention_(channels, groups, kEps) {
  register_module("resnets", torch::nn::ModuleList(before_, after_));
  register_module("attentions", torch::nn::ModuleList(attention_));
}

torch::Tensor VaeMidImpl::forward(const torch::Tensor& x) { return after_(attention_(before_(x))); }

VaeEncoderImpl::VaeEncoderImpl(const VaeConfig& config)
    : conv_in_(register_module("conv_in", nn::conv3x3(config.in_channels, config.block_out_channels.front()))),
      conv_out_(register_module("conv_out", nn::conv3x3(config.block_out_channels.back(), 2 * config.latent_channels))),
      mid_(register_module("mid_block", VaeMid(config.block_out_channels.back(), config.norm_num_groups))),
      conv_norm_out_(register_module("conv_norm_out",
                                     nn::GroupNorm(config.norm_num_groups, config.block_out_channels.back(), kEps))) {
  const auto& widths = config.block_out_channels;
  const auto blocks = register_module("down_blocks", torch::nn::ModuleList());
  for (size_t i = 0; i < widths.size(); ++i) {
    torch::nn::ModuleList block;
    Level& level = levels_.emplace_back();
    level.resnets = add_resnets(block, config.layers_per_block,
                                {.in = widths[i == 0 ? 0 : i - 1], .out = widths[i], .groups = config.norm_num_groups});
    if (i + 1 < widths.size()) {
      level.down = Downsample(widths[i], Padding::kRightAndBottom);
      block->register_module("downsamplers", torch::nn::ModuleList(level.down));
    }
    blocks->push_back(block);
  }
}

torch::Tensor VaeEncoderImpl::forward(const torch::Tensor& image, const tensor::ActivationHook& hook) {
  nn::BiasedMap h = conv_in_->forward_biased(image);
  for (size_t i = 0; i < levels_.size(); ++i) {
    for (Resnet& resnet : levels_[i].resnets) h = resnet->forward(h);
    if (levels_[i].down) h = levels_[i].down(nn::materialise(h));
    hook(fmt::format("down_blocks.{}", i), nn::materialise(h));
  }
  const torch::Tensor last = mid_(nn::materialise(h));
  hook("mid_block", last);
  return conv_out_->forward_norm_silu(last, conv_norm_out_);
}

std::vector<MapFunction> VaeEncoderImpl::parts() {
  std::vector<MapFunction> parts;
  for (size_t i = 0; i < levels_.size(); ++i) {
    for (size_t k = 0; k < levels_[i].resnets.size(); ++k) {
      parts.emplace_back([this, i, k](const torch::Tensor& x) {
        Level& level = levels_[i];
        nn::BiasedMap h = i == 0 && k == 0 ? conv_in_->forward_biased(x) : nn::BiasedMap(x);
        h = level.resnets[k]->forward(h);
        const bool last = k + 1 == level.resnets.size();
        return last && level.down ? level.down(nn::materialise(h)) : nn::materialise(h);
      });
    }
  }
  parts.emplace_back([this](const torch::Tensor& x) { return conv_out_->forward_norm_silu(mid_(x), conv_norm_out_); });
  return parts;
}

VaeDecoderImpl::VaeDecoderImpl(const VaeConfig& config)
    : conv_in_(register_module("conv_in", nn::conv3x3(config.latent_channels, config.block_out_channels.back()))),
      conv_out_(register_module("conv_out", nn::conv3x3(config.block_out_channels.front(), config.out_channels))),
      mid_(register_module("mid_block", VaeMid(config.block_out_channels.back(), config.norm_num_groups))),
      conv_norm_out_(register_module("conv_norm_out",
                                     nn::GroupNorm(config.norm_num_groups, config.block_out_channels.front(), kEps))) {
  const std::vector<int64_t> widths(config.block_out_channels.rbegin(), config.block_out_channels.rend());
  const auto blocks = register_module("up_blocks", torch::nn::ModuleList());
  for (size_t i = 0; i < widths.size(); ++i) {
    torch::nn::ModuleList block;
    Level& level = levels_.emplace_back();
    level.resnets = add_resnets(block, config.layers_per_block + 1,
                                {.in = widths[i == 0 ? 0 : i - 1], .out = widths[i], .groups = config.norm_num_groups});
    if (i + 1 < widths.size()) {
      level.up = Upsample(widths[i]);
      block->register_module("upsamplers", torch::nn::ModuleList(level.up));
    }
    blocks->push_back(block);
  }
}

torch::Tensor VaeDecoderImpl::forward(const torch::Tensor& latents, const tensor::ActivationHook& hook) {
  torch::Tensor h = mid_(conv_in_->forward(latents));
  hook("mid_block", h);
  for (size_t i = 0; i < levels_.size(); ++i) {
    for (Resnet& resnet : levels_[i].resnets) h = resnet(h);
    if (levels_[i].up) h = levels_[i].up(h, 2 * h.size(2), 2 * h.size(3));
    hook(fmt::format("up_blocks.{}", i), h);
  }
  return conv_out_->forward_norm_silu(h, conv_norm_out_);
}

}  // namespace lucid::diffusion
