// SPDX-License-Identifier: Apache-2.0
// ControlNetModel of diffusers: a copy of a U-Net's way down that is shown a picture (a depth map, say) and tells the
// U-Net what to draw where.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <vector>

#include "lucid/diffusion/unet.h"

namespace lucid::diffusion {

struct ControlNetConfig {
  UNetConfig unet;  // its way up is not used
  int64_t conditioning_channels = 3;
  std::vector<int64_t> embedding_channels = {16, 32, 96, 256};  // the picture halves from each to the next
  static ControlNetConfig from_file(const std::filesystem::path& config_json);  // throws UserError
};

class ControlNetImpl : public torch::nn::Module {
 public:
  explicit ControlNetImpl(const ControlNetConfig& config);
  /// x [B,C,h,w], timesteps [B], context as the U-Net's, picture [B,3,8h,8w] in [0,1] -> residuals, times `scale`.
  ControlResiduals forward(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::Context& context,
                           const torch::Tensor& picture, double scale = 1);
  const ControlNetConfig& config() const { return config_; }

 private:
  ControlNetConfig config_;
  nn::Conv2d conv_in_;
  TimeEmbedding time_embedding_;
  std::vector<nn::Conv2d> picture_convs_;  // conv_in, blocks, conv_out
  std::vector<DownLevel> down_;
  MidLevel mid_;
  std::vector<nn::Conv2d> down_out_;
  nn::Conv2d mid_out_;
};
TORCH_MODULE(ControlNet);

/// From one file, in diffusers' names or the original code's, for a U-Net like `unet`, whose sizes it shares. Throws
/// UserError.
ControlNet load_control_net_file(const std::filesystem::path& file, const UNetConfig& unet,
                                 const nn::WeightDtypes& dtypes = {});

/// From a diffusers folder; norms stay in float32. Throws UserError.
ControlNet load_control_net(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

}  // namespace lucid::diffusion
