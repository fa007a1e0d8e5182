// SPDX-License-Identifier: Apache-2.0
// VaeEncoder and VaeDecoder: encoder and decoder of AutoencoderKL, without the 1x1 convolutions between them.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

#include "lucid/diffusion/resnet.h"
#include "lucid/diffusion/vae_config.h"
#include "lucid/nn/attention_layers.h"
#include "lucid/tensor/activation_hook.h"

namespace lucid::diffusion {

/// mid_block: resnets.0, attentions.0, resnets.1. [B,C,h,w] -> the same.
class VaeMidImpl : public torch::nn::Module {
 public:
  VaeMidImpl(int64_t channels, int64_t groups);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  Resnet before_, after_;
  nn::MapAttention attention_;
};
TORCH_MODULE(VaeMid);

/// A function of maps.
using MapFunction = std::function<torch::Tensor(const torch::Tensor&)>;

/// conv_in, down_blocks, mid_block, conv_norm_out, conv_out. image [B,3,H,W] -> [B,2*latent,h,w].
class VaeEncoderImpl : public torch::nn::Module {
 public:
  explicit VaeEncoderImpl(const VaeConfig& config);
  torch::Tensor forward(const torch::Tensor& image, const tensor::ActivationHook& hook);
  /// forward() as functions to be called one after the other: a resnet each, with what is before or behind it, and the
  /// middle block with the end. They refer to this module.
  std::vector<MapFunction> parts();

 private:
  struct Level {
    std::vector<Resnet> resnets;
    Downsample down{nullptr};
  };
  nn::Conv2d conv_in_, conv_out_;
  std::vector<Level> levels_;
  VaeMid mid_;
  nn::GroupNorm conv_norm_out_;
};
TORCH_MODULE(VaeEncoder);

/// conv_in, mid_block, up_blocks, conv_norm_out, conv_out. [B,latent,h,w] -> image [B,3,H,W].
class VaeDecoderImpl : public torch::nn::Module {
 public:
  explicit VaeDecoderImpl(const VaeConfig& config);
  torch::Tensor forward(const torch::Tensor& latents, const tensor::ActivationHook& hook);

 private:
  struct Level {
    std::vector<Resnet> resnets;
    Upsample up{nullptr};
  };
  nn::Conv2d conv_in_, conv_out_;
  std::vector<Level> levels_;
  VaeMid mid_;
  nn::GroupNorm conv_norm_out_;
};
TORCH_MODULE(VaeDecoder);

}  // namespace lucid::diffusion
