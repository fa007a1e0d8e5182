// SPDX-License-Identifier: Apache-2.0
// ControlNet: ControlNetModel of diffusers (Zhang et al. 2023), a trained copy of a U-Net's down path that takes a
// control image (a depth map, for example) and computes residuals for the U-Net.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <vector>

#include "lucid/diffusion/unet.h"

namespace lucid::diffusion {

struct ControlNetConfig {
  UNetConfig unet;  // without the up path
  int64_t conditioning_channels = 3;
  std::vector<int64_t> embedding_channels = {16, 32, 96,
                                             256};  // of the image's convolutions; each step halves its size
  static ControlNetConfig from_file(const std::filesystem::path& config_json);  // throws UserError
};

class ControlNetImpl : public torch::nn::Module {
 public:
  explicit ControlNetImpl(const ControlNetConfig& config);
  /// x [B,C,h,w], timesteps [B] int64, context of batch B, image [B,3,8h,8w] in [0,1] -> residuals times `scale`.
  ControlResiduals forward(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::Context& context,
                           const torch::Tensor& image, double scale = 1);
  const ControlNetConfig& config() const { return config_; }

 private:
  ControlNetConfig config_;
  nn::Conv2d conv_in_;
  TimeEmbedding time_embedding_;
  std::vector<nn::Conv2d> image_convs_;  // conv_in, blocks, conv_out
  std::vector<DownLevel> down_;
  MidLevel mid_;
  std::vector<nn::Conv2d> down_out_;
  nn::Conv2d mid_out_;
};
TORCH_MODULE(ControlNet);

/// Reads a single file with diffusers' names or the original code's. `unet`: the U-Net that it is for; its sizes are
/// the ControlNet's. Norms are float32. Throws UserError.
ControlNet load_control_net_file(const std::filesystem::path& file, const UNetConfig& unet,
                                 const nn::WeightDtypes& dtypes = {});

/// Reads a folder in diffusers' layout; norms are float32. Throws UserError.
ControlNet load_control_net(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

}  // namespace lucid::diffusion
