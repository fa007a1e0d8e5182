// SPDX-License-Identifier: Apache-2.0
// UNet2DConditionModel of diffusers, as Stable Diffusion 1.x and 2.x use it, of any size its config.json describes.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lucid/diffusion/unet_blocks.h"
#include "lucid/diffusion/unet_config.h"

namespace lucid::diffusion {

/// diffusers' UNet2DConditionModel with its parameter names. Differentiable; any device and dtype.
class UNetImpl : public torch::nn::Module {
 public:
  explicit UNetImpl(const UNetConfig& config);
  /// x [B,C,h,w], timesteps [B] int64, context [B,L,D], x and context in the weights' dtype -> [B,C,h,w].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& timesteps, const torch::Tensor& context);
  /// Called with (module name in diffusers' naming, its output) during forward; for tests and debugging. Null = off.
  std::function<void(const std::string&, const torch::Tensor&)> on_activation;
  const UNetConfig& config() const { return config_; }

 private:
  torch::Tensor time_embedding(const torch::Tensor& timesteps);  // [B] -> [B,4*C0]

  UNetConfig config_;
  torch::nn::Conv2d conv_in_, conv_out_;
  torch::nn::Linear time_linear_1_, time_linear_2_;
  std::vector<DownLevel> down_;
  MidLevel mid_;
  std::vector<UpLevel> up_;
  torch::nn::GroupNorm conv_norm_out_;
};
TORCH_MODULE(UNet);

/// diffusers' sinusoid: cos half first, then sin (flip_sin_to_cos, freq_shift 0), float32. [B] -> [B,width].
torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width);

UNet load_unet(const std::filesystem::path& folder);  // diffusers `unet/` folder; throws UserError

}  // namespace lucid::diffusion
