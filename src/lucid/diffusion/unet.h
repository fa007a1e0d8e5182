// SPDX-License-Identifier: Apache-2.0
// UNet2DConditionModel of diffusers, as Stable Diffusion 1.x, 2.x and SDXL use it, of any size its config.json
// describes.
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

/// Residuals that a ControlNet adds to a U-Net's skip connections and mid block (Zhang et al. 2023).
struct ControlResiduals {
  std::vector<torch::Tensor> down;  // one for each skip connection, in the order of the down path
  torch::Tensor mid;
};

/// What a U-Net may read besides latents, timesteps and prompts.
struct UNetExtras {
  const ControlResiduals* control = nullptr;
  torch::Tensor vector = {};   // [B,config.vector_width], of SDXL: pooled text and embedded sizes
  torch::Tensor cameras = {};  // [B,camera_dim]; undefined: no term, so that each row is a picture without a camera
  int64_t views = 1;           // consecutive rows that are views of one object: config().views, or 1
};

/// diffusers' UNet2DConditionModel with its parameter names. Differentiable; any device and dtype. With cameras it has
/// a `camera_embedding` as well, of the shape of `time_embedding`.
class UNetImpl : public torch::nn::Module {
 public:
  explicit UNetImpl(const UNetConfig& config);
  /// x [B,C,h,w], timesteps [B] int64, context of batch B -> [B,C,h,w] in x's dtype. The best dtype for x is
  /// nn::activation_dtype().
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::Context& context,
                        const UNetExtras& extras = {});
  /// Called during forward() with each module's name in diffusers and its output, for tests and debugging; may be null.
  std::function<void(const std::string&, const torch::Tensor&)> on_activation;
  const UNetConfig& config() const { return config_; }

 private:
  UNetConfig config_;
  nn::Conv2d conv_in_, conv_out_;
  TimeEmbedding time_embedding_;
  VectorEmbedding add_embedding_{nullptr};     // if config.vector_width > 0
  VectorEmbedding camera_embedding_{nullptr};  // if the config has cameras
  std::vector<DownLevel> down_;
  MidLevel mid_;
  std::vector<UpLevel> up_;
  nn::GroupNorm conv_norm_out_;
};
TORCH_MODULE(UNet);

/// Reads a `unet/` folder in diffusers' layout, or in that of MVDream's port, whose tensors have latent-diffusion's
/// names; norms are float32. Throws UserError.
UNet load_unet(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

}  // namespace lucid::diffusion
