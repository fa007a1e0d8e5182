// SPDX-License-Identifier: Apache-2.0
// Cloud: the trainable parameters of the Gaussians (Kerbl et al. 2023) before activation, their activations, and the
// chain rule through the activations.
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <vector>

#include "lucid/render/rasterize.h"

namespace lucid::gaussians {

/// The parameters of N Gaussians before activation: float32, contiguous, all on one device.
struct Cloud {
  torch::Tensor means;           // [N,3]
  torch::Tensor sh_dc;           // [N,1,3]
  torch::Tensor sh_rest;         // [N,K,3], K = (degree+1)^2 - 1, may be 0
  torch::Tensor opacity_logits;  // [N,1] opacity = sigmoid
  torch::Tensor log_scales;      // [N,3] scale = exp
  torch::Tensor quats;           // [N,4] w,x,y,z
  // Not trained. What an asset file stores has the 3D filter applied: smoothed().
  torch::Tensor filter_3d = {};  // [N,1] standard deviation of the 3D smoothing filter, world units; undefined: none
  render::Filter screen_filter = render::Filter::kDilated;  // that of the renders

  /// The parameter groups. Their order is that of parameters(), gradients, Adam's moments and learning rates.
  enum Group { kMeans, kShDc, kShRest, kOpacityLogits, kLogScales, kQuats };
  static constexpr int kGroups = kQuats + 1;
  /// The name of each group in checkpoints and messages, in the order of Group.
  static constexpr std::array<const char*, kGroups> kNames = {"means",          "sh_dc",      "sh_rest",
                                                              "opacity_logits", "log_scales", "quats"};
  /// The tensors of all groups, in the order of Group.
  std::array<torch::Tensor*, kGroups> parameters();
  std::array<const torch::Tensor*, kGroups> parameters() const;
  int64_t count() const { return means.size(0); }
  int sh_degree() const;  // stored degree, from K
};

/// The augmentation of one training render. An undefined tensor means none.
struct Augmentation {
  torch::Tensor scale_factor = {};  // [N,3] multiplied with the scales (1 + noise)
  torch::Tensor sh_noise = {};      // [N,(d+1)^2,3] added to the SH coefficients, d = active_degree
  int active_degree = 0;            // SH degree that is evaluated
};
/// Activated parameters, as the rasteriser reads them. Parameters without an activation (means, quats) share the
/// Cloud's memory, so use an Activated before the next optimiser step.
struct Activated {
  torch::Tensor means, scales, quats, opacities, sh;  // [N,3] [N,3] [N,4] [N] [N,(degree+1)^2,3]
  render::CloudView<float> view() const;
  int degree = 0;  // active SH degree
  render::Filter screen_filter = render::Filter::kDilated;
};
/// exp of the log scales, sigmoid of the opacity logits, the active SH coefficients; then the augmentation; then the 3D
/// smoothing filter f of Mip-Splatting (Yu et al. 2024, eq. 8): scale s becomes sqrt(s^2 + f^2) on each axis, and the
/// opacity is multiplied by the ratio of the volumes, the product over the axes of s / sqrt(s^2 + f^2).
Activated activate(const Cloud& cloud, const Augmentation& augmentation);
/// Without augmentation, with all stored SH degrees.
inline Activated activate(const Cloud& cloud) { return activate(cloud, {.active_degree = cloud.sh_degree()}); }

/// The same Gaussians with the 3D filter applied to their parameters, and without filter_3d: any viewer shows what
/// activate(cloud) shows. Shares the tensors that the filter does not change.
Cloud smoothed(const Cloud& cloud);

/// dL/d of a Cloud's parameters, summed over views.
struct CloudGradient {
  std::array<torch::Tensor, Cloud::kGroups> raw;  // same shapes as the parameters
  torch::Tensor means2d_ndc;                      // [N,2] of the last view added
  static CloudGradient zeros_like(const Cloud& cloud);
};
/// dL/d of the activated parameters of one view: the outputs of the rasteriser's backward pass.
struct ActivatedGradient {
  torch::Tensor means, scales, quats, opacities, sh, means2d_ndc;  // shapes of Activated; means2d_ndc [N,2]
  static ActivatedGradient like(const Activated& activated);       // uninitialised
  render::CloudGradients<float> view() const;
};
/// The adjoint of activate(): chains `d` through activations and augmentation and adds the result to `total`.
void activate_backward(const Cloud& cloud, const Activated& activated, const Augmentation& augmentation,
                       const ActivatedGradient& d, CloudGradient& total);

}  // namespace lucid::gaussians
