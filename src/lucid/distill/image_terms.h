// SPDX-License-Identifier: Apache-2.0
// Terms of the loss that are functions of the rendered pictures: disparity (geometry supervision) and total variation.
#pragma once

#include <torch/torch.h>

namespace lucid::distill {

/// Reference disparity (spec section 3): depth, alpha [B,1,H,W]; fovx in radians -> [B,1,H,W] in [0,1], differentiable.
torch::Tensor disparity(const torch::Tensor& depth, const torch::Tensor& alpha, double fovx);

/// Classic total variation: 2 (sum dy^2 / count_y + sum dx^2 / count_x) / batch. x [B,C,H,W] -> scalar.
torch::Tensor total_variation(const torch::Tensor& x);

}  // namespace lucid::distill
