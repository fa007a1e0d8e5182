// SPDX-License-Identifier: Apache-2.0
// The Gaussians as an optimiser sees them: raw parameters, their activations, and the chain rule through those.
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <vector>

#include "lucid/render/rasterize.h"

namespace lucid::gaussians {

/// Raw (pre-activation) parameters, float32, contiguous. The order of `parameters()` is the order used everywhere.
struct Cloud {
  torch::Tensor means;           // [N,3]
  torch::Tensor sh_dc;           // [N,1,3]
  torch::Tensor sh_rest;         // [N,K,3], K = (degree+1)^2 - 1, may be 0
  torch::Tensor opacity_logits;  // [N,1]
  torch::Tensor log_scales;      // [N,3]
  torch::Tensor quats;           // [N,4] w,x,y,z

  static constexpr int kGroups = 6;
  static constexpr std::array<const char*, kGroups> kNames = {"means",          "sh_dc",      "sh_rest",
                                                              "opacity_logits", "log_scales", "quats"};
  std::array<torch::Tensor*, kGroups> parameters();
  std::array<const torch::Tensor*, kGroups> parameters() const;
  int64_t count() const { return means.size(0); }
  int sh_degree() const;  // stored degree, from K
};

/// What one render sees. `scale_factor` [N,3] (1 + noise) and `sh_noise` are the training augmentations; undefined =
/// none.
struct Augmentation {
  torch::Tensor scale_factor = {};
  torch::Tensor sh_noise = {};  // [N,(d+1)^2,3], added
  int active_degree = 0;        // SH degree evaluated
};
/// Whatever needs no activation is the Cloud's own tensor, not a copy: use it before the next optimiser step.
struct Activated {
  torch::Tensor means, scales, quats, opacities, sh;  // linear; [N,3] [N,3] [N,4] [N] [N,(d+1)^2,3], d = active degree
  render::CloudView<float> view() const;
  int degree = 0;
};
Activated activate(const Cloud& cloud, const Augmentation& augmentation);

/// Gradients with respect to the raw parameters (same shapes as the Cloud), accumulated over views.
struct CloudGradient {
  std::array<torch::Tensor, Cloud::kGroups> raw;
  torch::Tensor means2d_ndc;  // [N,2] of the view last added
  static CloudGradient zeros_like(const Cloud& cloud);
};
/// Buffers for one view's rasteriser gradients, then chained through exp/sigmoid/augmentation and added to `total`.
struct ActivatedGradient {
  torch::Tensor means, scales, quats, opacities, sh, means2d_ndc;
  static ActivatedGradient like(const Activated& activated);
  render::CloudGradients<float> view() const;
};
void add_chained(const Cloud& cloud, const Activated& activated, const Augmentation& augmentation,
                 const ActivatedGradient& d, CloudGradient& total);

}  // namespace lucid::gaussians
