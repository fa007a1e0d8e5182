// SPDX-License-Identifier: Apache-2.0
// Forward passes of resnet blocks, with biases left pending for the next norm on a GPU (nn/biased_map.h).
#include "lucid/diffusion/resnet.h"

namespace lucid::diffusion {

ResnetImpl::ResnetImpl(const ResnetSizes& sizes)
    : norm1_(register_module("norm1", nn::GroupNorm(sizes.groups, sizes.in, sizes.eps))),
      norm2_(register_module("norm2", nn::GroupNorm(sizes.groups, sizes.out, sizes.eps))),
      conv1_(register_module("conv1", nn::conv3x3(sizes.in, sizes.out))),
      conv2_(register_module("conv2", nn::conv3x3(sizes.out, sizes.out))) {
  if (sizes.in != sizes.out) conv_shortcut_ = register_module("conv_shortcut", nn::conv1x1(sizes.in, sizes.out));
  if (sizes.time_width > 0) {
    time_emb_proj_ = register_module("time_emb_proj", nn::Linear(sizes.time_width, sizes.out));
  }
}

torch::Tensor ResnetImpl::forward(const nn::BiasedMap& x, const torch::Tensor& time) {
  nn::BiasedMap h = conv1_->forward_biased(x, norm1_);
  if (time_emb_proj_) h = nn::add_per_channel(h, time_emb_proj_->forward(time, h.map.scalar_type()));
  h = conv2_->forward_biased(h, norm2_);
  return nn::add(conv_shortcut_ ? conv_shortcut_->forward_biased(nn::materialise(x)) : x, h);
}

DownsampleImpl::DownsampleImpl(int64_t channels, Padding padding)
    : padding_(padding),
      conv_(register_module("conv", nn::conv3x3(channels, channels, 2, padding == Padding::kAllSides ? 1 : 0))) {}

torch::Tensor DownsampleImpl::forward(const torch::Tensor& x) {
  return conv_->forward_padded(x, padding_ == Padding::kAllSides ? 0 : 1);
}

UpsampleImpl::UpsampleImpl(int64_t channels) : conv_(register_module("conv", nn::conv3x3(channels, channels))) {}

torch::Tensor UpsampleImpl::forward(const torch::Tensor& x, int64_t height, int64_t width) {
  return conv_->forward(torch::upsample_nearest2d(x, {height, width}));
}

}  // namespace lucid::diffusion
