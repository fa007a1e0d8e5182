// SPDX-License-Identifier: Apache-2.0
// AutoencoderKL of diffusers: pictures to latents (differentiable) and back.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

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
  std::function<void(const std::string&, const torch::Tensor&)> on_activation;
  const VaeConfig& config() const { return config_; }

 private:
  VaeConfig config_;
};
TORCH_MODULE(Vae);

/// A sample of the posterior, scaled: (mean + exp(clamp(logvar,-30,20)/2) * noise) * scaling_factor; noise [B,C,h,w].
torch::Tensor sample_latents(const torch::Tensor& moments, const torch::Tensor& noise, double scaling_factor);

Vae load_vae(const std::filesystem::path& folder);  // diffusers `vae/` folder, old and new attention names

}  // namespace lucid::diffusion
