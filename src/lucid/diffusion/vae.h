// SPDX-License-Identifier: Apache-2.0
// Vae: AutoencoderKL of diffusers. Encodes images to latents and decodes them; differentiable.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <string>

#include "lucid/diffusion/vae_blocks.h"
#include "lucid/diffusion/vae_config.h"
#include "lucid/nn/weight_dtypes.h"

namespace lucid::diffusion {

/// encoder.*, quant_conv, post_quant_conv, decoder.*, named as in diffusers (attention layers by their newer names).
class VaeImpl : public torch::nn::Module {
 public:
  explicit VaeImpl(const VaeConfig& config);
  /// image [B,3,H,W] in [-1,1] -> moments [B,2C,h,w] of the posterior: mean, log-variance (not clamped).
  torch::Tensor encode_moments(const torch::Tensor& image);
  /// encode_moments() as functions to be called one after the other (VaeEncoderImpl::parts()).
  std::vector<MapFunction> encoding_parts();
  /// latents [B,C,h,w], times scaling_factor -> image [B,3,H,W], about in [-1,1] (not clamped).
  torch::Tensor decode(const torch::Tensor& latents);
  /// Called with each module's name in diffusers and its output, for tests and debugging; may be null.
  std::function<void(const std::string&, const torch::Tensor&)> on_activation;
  const VaeConfig& config() const { return config_; }

 private:
  VaeConfig config_;
  VaeEncoder encoder_;
  VaeDecoder decoder_;
  nn::Conv2d quant_conv_, post_quant_conv_;
};
TORCH_MODULE(Vae);

/// A sample of the posterior as latents [B,C,h,w]: (mean + exp(clamp(log-variance, -30, 20) / 2) * noise) *
/// scaling_factor; noise [B,C,h,w].
torch::Tensor sample_latents(const torch::Tensor& moments, const torch::Tensor& noise, double scaling_factor);

/// The mean of the posterior, without a scaling factor. moments [B,2C,h,w] -> [B,C,h,w]
torch::Tensor posterior_mean(const torch::Tensor& moments);

/// Reads a `vae/` folder in diffusers' layout, with old or new names of the attention layers; norms are float32. Throws
/// UserError.
Vae load_vae(const std::filesystem::path& folder, const nn::WeightDtypes& dtypes = {});

}  // namespace lucid::diffusion
