// SPDX-License-Identifier: Apache-2.0
// AutoencoderKL of diffusers: pictures to latents (differentiable) and back.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <string>

#include "lucid/diffusion/vae_blocks.h"
#include "lucid/diffusion/vae_config.h"
#include "lucid/nn/weight_dtypes.h"

namespace lucid::diffusion {

/// encoder.*, quant_conv, post_quant_conv, decoder.*: diffusers' names, those of the attention the newer ones.
class VaeImpl : public torch::nn::Module {
 public:
  explicit VaeImpl(const VaeConfig& config);
  /// picture [B,3,H,W] in [-1,1] -> moments [B,2C,h,w]: mean, log-variance (not clamped).
  torch::Tensor encode_moments(const torch::Tensor& picture);
  /// latents [B,C,h,w] (scaled) -> picture [B,3,H,W] about [-1,1], not clamped.
  torch::Tensor decode(const torch::Tensor& latents);
  /// Called with (module name in diffusers' naming, its output); for tests and debugging. Null = off.
  std::function<void(const std::string&, const torch::Tensor&)> on_activation;
  const VaeConfig& config() const { return config_; }

 private:
  VaeConfig config_;
  VaeEncoder encoder_;
  VaeDecoder decoder_;
  nn::Conv2d quant_conv_, post_quant_conv_;
};
TORCH_MODULE(Vae);

/// A sample of the posterior, scaled: (mean + exp(clamp(logvar,-30,20)/2) * noise) * scaling_factor; noise [B,C,h,w].
torch::Tensor sample_latents(const torch::Tensor& moments, const torch::Tensor& noise, double scaling_factor);

/// From a diffusers `vae/` folder, with the attention's old names or its new ones; norms stay in float32. Throws
/// UserError.
Vae load_vae(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

}  // namespace lucid::diffusion
