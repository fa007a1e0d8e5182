// SPDX-License-Identifier: Apache-2.0
// The levels of the U-Net: down, middle, up; with cross-attention or without.
#pragma once

#include <vector>

#include "lucid/diffusion/attention.h"
#include "lucid/diffusion/layers.h"
#include "lucid/diffusion/unet_config.h"

namespace lucid::diffusion {

/// What every block is told.
struct BlockOptions {
  std::string name;  // in diffusers' naming, for hooks
  int64_t in = 0, out = 0, previous = 0, layers = 1;
  int64_t heads = 0;      // 0 = no cross-attention
  bool resample = false;  // ends with a down- or upsampler
};

/// What flows beside the picture.
struct BlockContext {
  const torch::Tensor& activated_time;  // [B,4C]
  const torch::Tensor& text;            // [B,L,D]
  const ActivationHook& hook;
};

class UNetBlockImpl : public torch::nn::Module {
 public:
  UNetBlockImpl(BlockOptions options, const UNetConfig& config, bool up);
  /// Pushes every resnet's output (and the downsampled one) onto `skips`.
  torch::Tensor down(torch::Tensor x, const BlockContext& context, std::vector<torch::Tensor>& skips);
  /// Pops one skip a resnet; upsamples to the size of the skip that the next block will pop.
  torch::Tensor up(torch::Tensor x, const BlockContext& context, std::vector<torch::Tensor>& skips);

 private:
  torch::Tensor layer(size_t index, const torch::Tensor& x, const BlockContext& context);
  BlockOptions options_;
  std::vector<Resnet> resnets_;
  std::vector<Transformer> transformers_;
  torch::nn::Conv2d resampler_{nullptr};
};
TORCH_MODULE(UNetBlock);

class UNetMiddleImpl : public torch::nn::Module {
 public:
  UNetMiddleImpl(const UNetConfig& config, int64_t channels, int64_t heads);
  torch::Tensor forward(torch::Tensor x, const BlockContext& context);

 private:
  Resnet first_, second_;
  Transformer transformer_;
};
TORCH_MODULE(UNetMiddle);

}  // namespace lucid::diffusion
