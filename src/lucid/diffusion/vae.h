// SPDX-License-Identifier: Apache-2.0
// AutoencoderKL of diffusers: pictures to latents (differentiable) and back.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/diffusion/attention.h"
#include "lucid/diffusion/layers.h"

namespace lucid::diffusion {

struct VaeConfig {
  int64_t in_channels = 3, out_channels = 3, latent_channels = 4;
  std::vector<int64_t> block_out_channels = {128, 256, 512, 512};
  int64_t layers_per_block = 2, norm_num_groups = 32;
  double scaling_factor = 0.18215;
  static VaeConfig from_file(const std::filesystem::path& config_json);
  int64_t downscale() const { return int64_t{1} << (block_out_channels.size() - 1); }  // picture pixels per latent
};

class VaeImpl : public torch::nn::Module {
 public:
  explicit VaeImpl(const VaeConfig& config);
  /// picture [B,3,H,W] in [-1,1] -> moments [B,2C,h,w]: mean, log-variance (not clamped).
  torch::Tensor encode_moments(const torch::Tensor& picture);
  /// latents [B,C,h,w] (scaled) -> picture [B,3,H,W] about [-1,1], not clamped.
  torch::Tensor decode(const torch::Tensor& latents);
  ActivationHook on_activation;  // null = off
  const VaeConfig& config() const { return config_; }

 private:
  /// One level: resnets, then a resampler unless it is the last.
  struct Level {
    std::vector<Resnet> resnets;
    torch::nn::Conv2d resampler{nullptr};
  };
  /// Encoder or decoder: both have a middle of resnet, attention, resnet, and an output norm.
  struct Tower {
    torch::nn::Conv2d conv_in{nullptr}, conv_out{nullptr};
    std::vector<Level> levels;
    Resnet middle_1{nullptr}, middle_2{nullptr};
    PixelAttention middle_attention{nullptr};
    torch::nn::GroupNorm norm_out{nullptr};
  };
  Tower make_tower(const std::string& name, bool decoder);
  torch::Tensor middle(Tower& tower, const std::string& name, torch::Tensor x);

  VaeConfig config_;
  Tower encoder_, decoder_;
  torch::nn::Conv2d quant_conv_, post_quant_conv_;
};
TORCH_MODULE(Vae);

/// A sample of the posterior, scaled: (mean + exp(clamp(logvar,-30,20)/2) * noise) * scaling_factor; noise [B,C,h,w].
torch::Tensor sample_latents(const torch::Tensor& moments, const torch::Tensor& noise, double scaling_factor);

Vae load_vae(const std::filesystem::path& folder);  // diffusers `vae/` folder, old and new attention names

}  // namespace lucid::diffusion
