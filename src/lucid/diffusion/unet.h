// SPDX-License-Identifier: Apache-2.0
// UNet2DConditionModel of diffusers, as Stable Diffusion 1.x and 2.x use it, of any size its config.json describes.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lucid::diffusion {

struct UNetConfig {
  int64_t in_channels = 4, out_channels = 4;
  std::vector<int64_t> block_out_channels = {320, 640, 1280, 1280};
  std::vector<std::string> down_block_types, up_block_types;
  bool mid_cross_attention = true;
  int64_t layers_per_block = 2;
  std::vector<int64_t> heads_per_block;  // config's `attention_head_dim`, which for these models means the NUMBER of heads
  int64_t cross_attention_dim = 768;
  bool use_linear_projection = false;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  static UNetConfig from_file(const std::filesystem::path& config_json);  // throws UserError on what it does not support
};

/// The U-Net as a function, so that a score can be tested with any denoiser.
/// x [B,C,h,w], timesteps [B] int64, context [B,L,D] -> epsilon or v [B,C,h,w].
class Denoiser {
 public:
  virtual ~Denoiser() = default;
  virtual torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps, const torch::Tensor& context) = 0;
};

class UNetImpl : public torch::nn::Module {
 public:
  explicit UNetImpl(const UNetConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& timesteps, const torch::Tensor& context);
  /// Called with (module name in diffusers' naming, its output) during forward; for tests and debugging. Null = off.
  std::function<void(const std::string&, const torch::Tensor&)> on_activation;
  const UNetConfig& config() const { return config_; }

 private:
  UNetConfig config_;
};
TORCH_MODULE(UNet);

/// diffusers' sinusoid: cos half first, then sin (flip_sin_to_cos, freq_shift 0), float32. [B] -> [B,width].
torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width);

UNet load_unet(const std::filesystem::path& folder);  // diffusers `unet/` folder; throws UserError

}  // namespace lucid::diffusion
