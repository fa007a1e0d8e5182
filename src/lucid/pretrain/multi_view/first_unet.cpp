// SPDX-License-Identifier: Apache-2.0
// Initial weights.
#include "lucid/pretrain/multi_view/first_unet.h"

namespace lucid::pretrain {

void make_multi_view(diffusion::UNetConfig& config) {
  config.camera_dim = diffusion::kCameraNumbers;
  config.views = diffusion::kJointViews;
}

diffusion::UNet new_unet(const diffusion::UNetConfig& config) {
  diffusion::UNet unet(config);
  for (auto& item : unet->named_parameters()) {
    if (item.key().starts_with("conv_out.") || item.key().starts_with("camera_embedding.linear_2."))
      torch::nn::init::zeros_(item.value());
  }
  return unet;
}

diffusion::UNet further_unet(const diffusion::UNet& prior, bool multi_view) {
  diffusion::UNetConfig config = prior->config();
  if (multi_view) make_multi_view(config);
  diffusion::UNet unet = new_unet(config);
  const torch::NoGradGuard no_grad;
  auto weights = unet->named_parameters();
  for (const auto& item : prior->named_parameters()) weights[item.key()].copy_(item.value());
  return unet;
}

}  // namespace lucid::pretrain
