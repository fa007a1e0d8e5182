// SPDX-License-Identifier: Apache-2.0
// Conversions between maps [B,C,h,w] and tokens [B,h*w,C]. Maps are channels-last in memory, so that either is a view
// of the other.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {

/// SiLU; in place where no gradient needs the input.
inline torch::Tensor silu_in_place(torch::Tensor x) { return x.requires_grad() ? torch::silu(x) : torch::silu_(x); }

/// [B,C,h,w] -> [B,h*w,C]; a view where the memory is channels-last.
inline torch::Tensor to_tokens(const torch::Tensor& map) {
  return map.permute({0, 2, 3, 1}).reshape({map.size(0), map.size(2) * map.size(3), map.size(1)});
}

/// [B,h*w,C] -> [B,C,h,w], channels-last in memory.
inline torch::Tensor to_map(const torch::Tensor& tokens, int64_t height, int64_t width) {
  return tokens.view({tokens.size(0), height, width, tokens.size(2)}).permute({0, 3, 1, 2});
}

/// Makes the 4-D weights of a network channels-last, as the inputs of its convolutions are.
inline void make_weights_channels_last(torch::nn::Module& module) {
  for (torch::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.data().contiguous(torch::MemoryFormat::ChannelsLast));
  }
}

}  // namespace lucid::nn
