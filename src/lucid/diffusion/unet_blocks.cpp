// SPDX-License-Identifier: Apache-2.0
// Construction and forward passes of a U-Net's levels.
#include "lucid/diffusion/unet_blocks.h"

#include <fmt/format.h>

namespace lucid::diffusion {
namespace {

/// Registers modules as a numbered list, as diffusers does. An empty list is not registered.
template <class Holder>
void register_list(torch::nn::Module& parent, const char* name, const std::vector<Holder>& modules) {
  if (modules.empty()) return;
  torch::nn::ModuleList list;
  for (const Holder& module : modules) list->push_back(module);
  parent.register_module(name, list);
}

Resnet make_resnet(const UNetLevel& level, int64_t in) {
  return Resnet(ResnetSizes{.in = in,
                            .out = level.out,
                            .time_width = level.time_width,
                            .groups = level.transformer.groups,
                            .eps = level.eps});
}

}  // namespace

DownLevelImpl::DownLevelImpl(const UNetLevel& level) {
  for (int64_t layer = 0; layer < level.layers; ++layer) {
    resnets_.push_back(make_resnet(level, layer == 0 ? level.in : level.out));
    if (level.attention) attentions_.emplace_back(level.transformer);
  }
  register_list(*this, "resnets", resnets_);
  register_list(*this, "attentions", attentions_);
  if (!level.resize) return;
  downsample_ = Downsample(level.out, Padding::kAllSides);
  register_list(*this, "downsamplers", std::vector{downsample_});
}

torch::Tensor DownLevelImpl::forward(torch::Tensor x, const Conditioning& conditioning,
                                     std::vector<torch::Tensor>& skips, const tensor::ActivationHook& hook) {
  for (size_t layer = 0; layer < resnets_.size(); ++layer) {
    x = resnets_[layer](x, conditioning.time);
    hook(fmt::format("resnets.{}", layer), x);
    if (!attentions_.empty()) {
      x = attentions_[layer](x, conditioning.context, conditioning.views);
      hook(fmt::format("attentions.{}", layer), x);
    }
    skips.push_back(x);
  }
  if (downsample_) {
    x = downsample_(x);
    skips.push_back(x);
  }
  return x;
}

MidLevelImpl::MidLevelImpl(const UNetLevel& level) {
  resnets_.push_back(make_resnet(level, level.out));
  if (level.attention) {
    attentions_.emplace_back(level.transformer);
    resnets_.push_back(make_resnet(level, level.out));
  }
  register_list(*this, "resnets", resnets_);
  register_list(*this, "attentions", attentions_);
}

torch::Tensor MidLevelImpl::forward(torch::Tensor x, const Conditioning& conditioning) {
  x = resnets_[0](x, conditioning.time);
  if (attentions_.empty()) return x;
  return resnets_[1](attentions_[0](x, conditioning.context, conditioning.views), conditioning.time);
}

UpLevelImpl::UpLevelImpl(const UNetLevel& level) {
  for (int64_t layer = 0; layer < level.layers; ++layer) {
    const int64_t arriving = layer == 0 ? level.below : level.out;
    const int64_t skip = layer == level.layers - 1 ? level.in : level.out;  // the last skip comes from the level above
    resnets_.push_back(make_resnet(level, arriving + skip));
    if (level.attention) attentions_.emplace_back(level.transformer);
  }
  register_list(*this, "resnets", resnets_);
  register_list(*this, "attentions", attentions_);
  if (!level.resize) return;
  upsample_ = Upsample(level.out);
  register_list(*this, "upsamplers", std::vector{upsample_});
}

torch::Tensor UpLevelImpl::forward(torch::Tensor x, const Conditioning& conditioning, std::vector<torch::Tensor>& skips,
                                   const tensor::ActivationHook& hook) {
  for (size_t layer = 0; layer < resnets_.size(); ++layer) {
    x = torch::cat({x, skips.back()}, 1);
    skips.pop_back();
    x = resnets_[layer](x, conditioning.time);
    hook(fmt::format("resnets.{}", layer), x);
    if (attentions_.empty()) continue;
    x = attentions_[layer](x, conditioning.context, conditioning.views);
    hook(fmt::format("attentions.{}", layer), x);
  }
  // The size of the skip, which is not always twice the size of x: the down path rounds odd sizes up.
  return upsample_ ? upsample_(x, skips.back().size(2), skips.back().size(3)) : x;
}

}  // namespace lucid::diffusion
