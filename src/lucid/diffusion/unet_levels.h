// SPDX-License-Identifier: Apache-2.0
// Shared by U-Net and ControlNet: sizes of their levels, and the time embedding.
#pragma once

#include <torch/torch.h>

#include "lucid/diffusion/unet_blocks.h"
#include "lucid/diffusion/unet_config.h"
#include "lucid/nn/linear.h"

namespace lucid::diffusion {

/// Level i of the down path, from the highest resolution.
UNetLevel down_level_of(const UNetConfig& config, size_t i);
UNetLevel mid_level_of(const UNetConfig& config);
/// Level i of the up path, from the lowest resolution: the counterpart of level n-1-i of the down path.
UNetLevel up_level_of(const UNetConfig& config, size_t i);

/// Sinusoidal embedding as in diffusers (flip_sin_to_cos, freq_shift 0): cosines, then sines. timesteps [B] ->
/// [B,width] float32.
torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width);

/// linear_1, SiLU, linear_2 of a vector. [B,in] -> [B,out] in the weights' dtype.
class VectorEmbeddingImpl : public torch::nn::Module {
 public:
  VectorEmbeddingImpl(int64_t in, int64_t out);
  torch::Tensor forward(const torch::Tensor& vector);

 private:
  nn::Linear linear_1_, linear_2_;
};
TORCH_MODULE(VectorEmbedding);

/// VectorEmbedding of the sinusoidal embedding. timesteps [B] -> [B,4*width] in the weights' dtype.
class TimeEmbeddingImpl : public VectorEmbeddingImpl {
 public:
  explicit TimeEmbeddingImpl(int64_t width);
  torch::Tensor forward(const torch::Tensor& timesteps);

 private:
  int64_t width_;
};
TORCH_MODULE(TimeEmbedding);

}  // namespace lucid::diffusion
