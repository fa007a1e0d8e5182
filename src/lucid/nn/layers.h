// SPDX-License-Identifier: Apache-2.0
// The few lines that U-Net and VAE share: convolutions and norms with their options spelt once, maps to tokens and
// back.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/linear.h"
#include "lucid/weights/unfilled.h"

namespace lucid::nn {

inline torch::nn::Conv2d conv3x3(int64_t in, int64_t out, int64_t stride = 1, int64_t padding = 1) {
  return convolution(torch::nn::Conv2dOptions(in, out, 3).stride(stride).padding(padding));
}

inline torch::nn::Conv2d conv1x1(int64_t in, int64_t out) { return convolution(torch::nn::Conv2dOptions(in, out, 1)); }

inline torch::nn::GroupNorm group_norm(int64_t groups, int64_t channels, double eps) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(groups, channels).eps(eps));
}

/// SiLU; in place where no gradient needs the value that it overwrites.
inline torch::Tensor activate(torch::Tensor x) { return x.requires_grad() ? torch::silu(x) : torch::silu_(x); }

/// [B,C,h,w] -> [B,h*w,C]; a view where the memory is channels-last.
inline torch::Tensor to_tokens(const torch::Tensor& map) {
  return map.permute({0, 2, 3, 1}).reshape({map.size(0), map.size(2) * map.size(3), map.size(1)});
}

/// [B,h*w,C] -> [B,C,h,w], channels-last in memory.
inline torch::Tensor to_map(const torch::Tensor& tokens, int64_t height, int64_t width) {
  return tokens.view({tokens.size(0), height, width, tokens.size(2)}).permute({0, 3, 1, 2});
}

/// Lays the convolutions' weights out as the forward passes run: channels last. Values and names stay.
inline void lay_out_channels_last(torch::nn::Module& module) {
  for (torch::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.data().contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

}  // namespace lucid::nn
