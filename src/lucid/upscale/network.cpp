// SPDX-License-Identifier: Apache-2.0
// The network computes what bicubic interpolation lacks, at the size of its input.
#include "lucid/upscale/network.h"

namespace lucid::upscale {
namespace {

namespace F = torch::nn::functional;

torch::nn::Conv2d convolution(int64_t in, int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

/// The layer adds nothing before its training.
torch::nn::Conv2d convolution_of_zeros(int64_t in, int64_t out) {
  const torch::NoGradGuard no_grad;
  torch::nn::Conv2d conv = convolution(in, out);
  conv->weight.zero_();
  conv->bias.zero_();
  return conv;
}

}  // namespace

double NetworkConfig::parameters() const {
  const auto w = static_cast<double>(width), pixels = static_cast<double>(factor * factor);
  return 9 * w * (3 + 2 * static_cast<double>(blocks) * w + 3 * pixels);
}

NetworkImpl::NetworkImpl(const NetworkConfig& config) : config_(config) {
  head_ = register_module("head", convolution(3, config.width));
  for (int64_t i = 0; i < config.blocks; ++i) {
    const std::string name = "block_" + std::to_string(i);
    blocks_.push_back({.first = register_module(name + "_first", convolution(config.width, config.width)),
                       .second = register_module(name + "_second", convolution_of_zeros(config.width, config.width))});
  }
  tail_ = register_module("tail", convolution_of_zeros(config.width, 3 * config.factor * config.factor));
}

torch::Tensor bicubic(const torch::Tensor& pictures, int64_t factor) {
  const auto scale = static_cast<double>(factor);
  return F::interpolate(pictures, F::InterpolateFuncOptions()
                                      .scale_factor(std::vector<double>{scale, scale})
                                      .mode(torch::kBicubic)
                                      .align_corners(false));
}

torch::Tensor NetworkImpl::forward(const torch::Tensor& pictures) {
  torch::Tensor x = head_(pictures - 0.5);
  for (Block& block : blocks_) x = x + block.second(torch::silu(block.first(x)));
  return bicubic(pictures, config_.factor) + torch::pixel_shuffle(tail_(x).to(torch::kFloat), config_.factor);
}

}  // namespace lucid::upscale
