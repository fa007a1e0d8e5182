// SPDX-License-Identifier: Apache-2.0
// CrossAttnDownBlock2D, DownBlock2D, UNetMidBlock2DCrossAttn, UpBlock2D, CrossAttnUpBlock2D.
#include "lucid/diffusion/unet_blocks.h"

#include <fmt/format.h>

namespace lucid::diffusion {
namespace {

namespace F = torch::nn::functional;

int64_t time_width(const UNetConfig& config) { return 4 * config.block_out_channels.front(); }

Resnet make_resnet(const UNetConfig& config, int64_t in, int64_t out) {
  return Resnet(ResnetImpl::Options{.in = in,
                                    .out = out,
                                    .time_width = time_width(config),
                                    .norm_groups = config.norm_num_groups,
                                    .norm_eps = config.norm_eps});
}

Transformer make_transformer(const UNetConfig& config, int64_t channels, int64_t heads) {
  return Transformer(TransformerImpl::Options{.channels = channels,
                                              .heads = heads,
                                              .context_width = config.cross_attention_dim,
                                              .norm_groups = config.norm_num_groups,
                                              .linear_projection = config.use_linear_projection});
}

void report(const BlockContext& context, const std::string& name, const torch::Tensor& value) {
  if (context.hook) context.hook(name, value);
}

}  // namespace

UNetBlockImpl::UNetBlockImpl(BlockOptions options, const UNetConfig& config, bool up) : options_(std::move(options)) {
  const BlockOptions& o = options_;
  for (int64_t i = 0; i < o.layers; ++i) {
    // Up: the last resnet takes the skip of the block before (`in`), the first continues the level below (`previous`).
    const int64_t skip = i == o.layers - 1 ? o.in : o.out;
    const int64_t in = up ? (i == 0 ? o.previous : o.out) + skip : i == 0 ? o.in : o.out;
    resnets_.push_back(make_resnet(config, in, o.out));
    register_path(*this, fmt::format("resnets.{}", i), resnets_.back());
    if (o.heads == 0) continue;
    transformers_.push_back(make_transformer(config, o.out, o.heads));
    register_path(*this, fmt::format("attentions.{}", i), transformers_.back());
  }
  if (!o.resample) return;
  resampler_ = up ? conv(o.out, o.out, 3) : conv(o.out, o.out, 3, 2, 1);
  register_path(*this, up ? "upsamplers.0.conv" : "downsamplers.0.conv", resampler_);
}

torch::Tensor UNetBlockImpl::layer(size_t index, const torch::Tensor& x, const BlockContext& context) {
  torch::Tensor h = resnets_[index]->forward(x, context.activated_time);
  report(context, fmt::format("{}.resnets.{}", options_.name, index), h);
  if (transformers_.empty()) return h;
  h = transformers_[index]->forward(h, context.text);
  report(context, fmt::format("{}.attentions.{}", options_.name, index), h);
  return h;
}

torch::Tensor UNetBlockImpl::down(torch::Tensor x, const BlockContext& context, std::vector<torch::Tensor>& skips) {
  for (size_t i = 0; i < resnets_.size(); ++i) {
    x = layer(i, x, context);
    skips.push_back(x);
  }
  if (resampler_) {
    x = resampler_(x);
    skips.push_back(x);
  }
  report(context, options_.name, x);
  return x;
}

torch::Tensor UNetBlockImpl::up(torch::Tensor x, const BlockContext& context, std::vector<torch::Tensor>& skips) {
  for (size_t i = 0; i < resnets_.size(); ++i) {
    x = layer(i, torch::cat({x, skips.back()}, 1), context);
    skips.pop_back();
  }
  if (resampler_) {
    // To the next skip's size: with odd sizes that is not twice this one.
    const std::vector<int64_t> size = {skips.back().size(2), skips.back().size(3)};
    x = resampler_(F::interpolate(x, F::InterpolateFuncOptions().size(size).mode(torch::kNearest)));
  }
  report(context, options_.name, x);
  return x;
}

UNetMiddleImpl::UNetMiddleImpl(const UNetConfig& config, int64_t channels, int64_t heads)
    : first_(make_resnet(config, channels, channels)),
      second_(make_resnet(config, channels, channels)),
      transformer_(make_transformer(config, channels, heads)) {
  register_path(*this, "resnets.0", first_);
  register_path(*this, "attentions.0", transformer_);
  register_path(*this, "resnets.1", second_);
}

torch::Tensor UNetMiddleImpl::forward(torch::Tensor x, const BlockContext& context) {
  x = first_(x, context.activated_time);
  x = transformer_(x, context.text);
  x = second_(x, context.activated_time);
  report(context, "mid_block", x);
  return x;
}

}  // namespace lucid::diffusion
