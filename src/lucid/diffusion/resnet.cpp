// SPDX-License-Identifier: Apache-2.0
// See resnet.h.
#include "lucid/diffusion/resnet.h"

#include "lucid/diffusion/layers.h"
#include "lucid/diffusion/wide_convolution.h"

namespace lucid::diffusion {

ResnetImpl::ResnetImpl(const ResnetSizes& sizes)
    : norm1_(register_module("norm1", group_norm(sizes.groups, sizes.in, sizes.eps))),
      norm2_(register_module("norm2", group_norm(sizes.groups, sizes.out, sizes.eps))),
      conv1_(register_module("conv1", conv3x3(sizes.in, sizes.out))),
      conv2_(register_module("conv2", conv3x3(sizes.out, sizes.out))) {
  if (sizes.in != sizes.out) conv_shortcut_ = register_module("conv_shortcut", conv1x1(sizes.in, sizes.out));
  if (sizes.time_width > 0) {
    time_emb_proj_ = register_module("time_emb_proj", linear(sizes.time_width, sizes.out));
  }
}

torch::Tensor ResnetImpl::of(const Biased& x, const torch::Tensor& time) {
  Biased h = convolved(conv1_, x, norm1_);
  if (time_emb_proj_) h = with_more(h, applied(time_emb_proj_, time, h.map.scalar_type()));
  h = convolved(conv2_, h, norm2_);
  return sum_of(conv_shortcut_ ? convolved(conv_shortcut_, whole(x)) : x, h);
}

DownsampleImpl::DownsampleImpl(int64_t channels, Padding padding)
    : padding_(padding),
      conv_(register_module("conv", conv3x3(channels, channels, 2, padding == Padding::kAllSides ? 1 : 0))) {}

torch::Tensor DownsampleImpl::forward(const torch::Tensor& x) {
  return applied(conv_, x, {.more_padding = padding_ == Padding::kAllSides ? 0 : 1});
}

UpsampleImpl::UpsampleImpl(int64_t channels) : conv_(register_module("conv", conv3x3(channels, channels))) {}

torch::Tensor UpsampleImpl::forward(const torch::Tensor& x, int64_t height, int64_t width) {
  return applied(conv_, torch::upsample_nearest2d(x, {height, width}));
}

}  // namespace lucid::diffusion
