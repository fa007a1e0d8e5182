// SPDX-License-Identifier: Apache-2.0
// See resnet.h.
#include "lucid/diffusion/resnet.h"

#include "lucid/nn/conv2d.h"
#include "lucid/nn/layers.h"

namespace lucid::diffusion {

ResnetImpl::ResnetImpl(const ResnetSizes& sizes)
    : norm1_(register_module("norm1", nn::group_norm(sizes.groups, sizes.in, sizes.eps))),
      norm2_(register_module("norm2", nn::group_norm(sizes.groups, sizes.out, sizes.eps))),
      conv1_(register_module("conv1", nn::conv3x3(sizes.in, sizes.out))),
      conv2_(register_module("conv2", nn::conv3x3(sizes.out, sizes.out))) {
  if (sizes.in != sizes.out) conv_shortcut_ = register_module("conv_shortcut", nn::conv1x1(sizes.in, sizes.out));
  if (sizes.time_width > 0) {
    time_emb_proj_ = register_module("time_emb_proj", nn::linear(sizes.time_width, sizes.out));
  }
}

torch::Tensor ResnetImpl::of(const nn::Biased& x, const torch::Tensor& time) {
  nn::Biased h = nn::convolved(conv1_, x, norm1_);
  if (time_emb_proj_) h = nn::with_more(h, nn::applied(time_emb_proj_, time, h.map.scalar_type()));
  h = nn::convolved(conv2_, h, norm2_);
  return nn::sum_of(conv_shortcut_ ? nn::convolved(conv_shortcut_, nn::whole(x)) : x, h);
}

DownsampleImpl::DownsampleImpl(int64_t channels, Padding padding)
    : padding_(padding),
      conv_(register_module("conv", nn::conv3x3(channels, channels, 2, padding == Padding::kAllSides ? 1 : 0))) {}

torch::Tensor DownsampleImpl::forward(const torch::Tensor& x) {
  return nn::applied(conv_, x, {.more_padding = padding_ == Padding::kAllSides ? 0 : 1});
}

UpsampleImpl::UpsampleImpl(int64_t channels) : conv_(register_module("conv", nn::conv3x3(channels, channels))) {}

torch::Tensor UpsampleImpl::forward(const torch::Tensor& x, int64_t height, int64_t width) {
  return nn::applied(conv_, torch::upsample_nearest2d(x, {height, width}));
}

}  // namespace lucid::diffusion
