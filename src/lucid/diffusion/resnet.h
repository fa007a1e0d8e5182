// SPDX-License-Identifier: Apache-2.0
// ResnetBlock2D, Downsample2D and Upsample2D of diffusers, with their parameter names.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/conv2d.h"
#include "lucid/nn/linear.h"

namespace lucid::diffusion {

struct ResnetSizes {
  int64_t in = 0, out = 0;  // channels
  int64_t time_width = 0;   // 0: no time_emb_proj (the VAE)
  int64_t groups = 32;
  double eps = 1e-5;
};

/// norm1, conv1, time_emb_proj, norm2, conv2, conv_shortcut (if in != out).
class ResnetImpl : public torch::nn::Module {
 public:
  explicit ResnetImpl(const ResnetSizes& sizes);
  /// x [B,in,h,w], time = silu(time embedding) [B,time_width] or undefined -> [B,out,h,w].
  torch::Tensor forward(const nn::BiasedMap& x, const torch::Tensor& time = {});

 private:
  nn::GroupNorm norm1_, norm2_;
  nn::Conv2d conv1_, conv2_, conv_shortcut_{nullptr};
  nn::Linear time_emb_proj_{nullptr};
};
TORCH_MODULE(Resnet);

enum class Padding { kAllSides, kRightAndBottom };  // of the U-Net, of the VAE's encoder

/// downsamplers.0: a 3 x 3 convolution with stride 2. x [B,C,h,w] -> [B,C,h',w']: half the size, rounded up for
/// Padding::kAllSides and down for kRightAndBottom.
class DownsampleImpl : public torch::nn::Module {
 public:
  DownsampleImpl(int64_t channels, Padding padding);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  Padding padding_;
  nn::Conv2d conv_;
};
TORCH_MODULE(Downsample);

/// upsamplers.0: nearest-neighbour upsampling to height x width, then a 3 x 3 convolution.
class UpsampleImpl : public torch::nn::Module {
 public:
  explicit UpsampleImpl(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x, int64_t height, int64_t width);

 private:
  nn::Conv2d conv_;
};
TORCH_MODULE(Upsample);

}  // namespace lucid::diffusion
