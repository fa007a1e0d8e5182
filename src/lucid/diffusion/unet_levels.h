// SPDX-License-Identifier: Apache-2.0
// What a U-Net and a ControlNet share: the sizes of their levels, and how they are told the timestep.
#pragma once

#include <torch/torch.h>

#include "lucid/diffusion/unet_blocks.h"
#include "lucid/diffusion/unet_config.h"
#include "lucid/nn/linear.h"

namespace lucid::diffusion {

/// Level i of the way down; the middle and the way up start from it.
UNetLevel level_of(const UNetConfig& config, size_t i);
UNetLevel mid_level_of(const UNetConfig& config);
/// Way up, lowest resolution first: step i is the mirror image of level n-1-i.
UNetLevel up_level_of(const UNetConfig& config, size_t i);

/// diffusers' sinusoid: cos half first, then sin (flip_sin_to_cos, freq_shift 0), float32. [B] -> [B,width].
torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width);

/// linear_1, SiLU, linear_2 over the sinusoid. timesteps [B] -> [B,4*width] in the weights' dtype.
class TimeEmbeddingImpl : public torch::nn::Module {
 public:
  explicit TimeEmbeddingImpl(int64_t width);
  torch::Tensor forward(const torch::Tensor& timesteps);

 private:
  int64_t width_;
  nn::Linear linear_1_, linear_2_;
};
TORCH_MODULE(TimeEmbedding);

}  // namespace lucid::diffusion
