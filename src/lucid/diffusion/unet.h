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
#include "lucid/diffusion/unet_levels.h"
#include "lucid/nn/weight_dtypes.h"

namespace lucid::diffusion {

/// What a ControlNet adds to a U-Net (Zhang et al. 2023).
struct ControlResiduals {
  std::vector<torch::Tensor> down;  // one for each skip, in the order they are made
  torch::Tensor mid;
};

/// diffusers' UNet2DConditionModel with its parameter names. Differentiable; any device and dtype.
class UNetImpl : public torch::nn::Module {
 public:
  explicit UNetImpl(const UNetConfig& config);
  /// x [B,C,h,w], timesteps [B] int64, context [B,L,D] or a mix of kept prompts (prompt_mix.h), x and context in the
  /// weights' dtype -> [B,C,h,w].
  /// `control`, unless null, is added to the skips and to the middle.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::Context& context,
                        const ControlResiduals* control = nullptr);
  /// Called with (module name in diffusers' naming, its output) during forward; for tests and debugging. Null = off.
  std::function<void(const std::string&, const torch::Tensor&)> on_activation;
  const UNetConfig& config() const { return config_; }

 private:
  UNetConfig config_;
  nn::Conv2d conv_in_, conv_out_;
  TimeEmbedding time_embedding_;
  std::vector<DownLevel> down_;
  MidLevel mid_;
  std::vector<UpLevel> up_;
  nn::GroupNorm conv_norm_out_;
};
TORCH_MODULE(UNet);

/// From a diffusers `unet/` folder; norms stay in float32. Throws UserError.
UNet load_unet(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

}  // namespace lucid::diffusion
