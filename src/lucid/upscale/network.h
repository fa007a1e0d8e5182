// SPDX-License-Identifier: Apache-2.0
// The upscaling network: single-image super-resolution by residual blocks and a sub-pixel convolution (EDSR, Lim et al.
// 2017, at a small size). It is trained by pretrain/upscale.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace lucid::upscale {

struct NetworkConfig {
  int64_t factor = 4;  // pixels of the result's side for each of the input's
  int64_t width = 32;  // channels
  int64_t blocks = 8;
  double parameters() const;  // number of parameters, matrices only
};

class NetworkImpl : public torch::nn::Module {
 public:
  explicit NetworkImpl(const NetworkConfig& config);
  /// Pictures [B,3,H,W] -> [B,3,factor H,factor W], colours in 0..1, the result's about so. An untrained network gives
  /// bicubic interpolation.
  torch::Tensor forward(const torch::Tensor& pictures);
  const NetworkConfig& config() const { return config_; }

 private:
  NetworkConfig config_;
  torch::nn::Conv2d head_{nullptr}, tail_{nullptr};
  struct Block {
    torch::nn::Conv2d first{nullptr}, second{nullptr};
  };
  std::vector<Block> blocks_;
};
TORCH_MODULE(Network);

/// Pictures [B,3,H,W] enlarged by bicubic interpolation.
torch::Tensor bicubic(const torch::Tensor& pictures, int64_t factor);

}  // namespace lucid::upscale
