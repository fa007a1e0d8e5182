// SPDX-License-Identifier: Apache-2.0
// keep_shape: holds the Gaussians' geometry near its start while their colours are painted.
#pragma once

#include "lucid/gaussians/cloud.h"

namespace lucid::optim {

/// The values that geometry is held at, row by row as in the cloud. Undefined tensors: nothing is held.
struct KeptShape {
  torch::Tensor means, opacity_logits, log_scales, quats;  // shapes of Cloud's

  static KeptShape of(const gaussians::Cloud& cloud);  // copies
  bool defined() const { return means.defined(); }
  std::array<std::pair<gaussians::Cloud::Group, torch::Tensor*>, 4> groups();
};

/// One step of the penalty weight / 2 |x - x_kept|^2 on each held parameter x, taken implicitly: x <- (x + weight
/// x_kept) / (1 + weight). Unlike a gradient of the penalty, Adam does not rescale it, so `weight` means the same for
/// all parameters: against a steady pull of Adam, x comes to rest at learning rate / weight from x_kept.
void draw_back(gaussians::Cloud& cloud, KeptShape& kept, double weight);

/// After a densification: row i is held as row source[i] was; a new row, with source[i] < 0, at its present values.
/// The children of a flat Gaussian lie in its plane, so they are on the surface too.
void follow_rows(KeptShape& kept, gaussians::Cloud& cloud, const torch::Tensor& source);  // [N] int64

}  // namespace lucid::optim
