// SPDX-License-Identifier: Apache-2.0
// Terms of the loss that are functions of the rendered pictures: disparity (geometry supervision) and total variation.
#pragma once

#include <torch/torch.h>

namespace lucid::distill {

/// Disparity as LucidDreamer's renderer forms it, near bright and the empty ground 0: depth [B,1,H,W] (sum of w z),
/// transmittance [B,1,H,W] (1 - alpha: what the reference's rasteriser returns by the name of alpha, so that empty
/// pixels lie 10 away); fovx in radians -> [B,1,H,W] in [0,1], differentiable.
torch::Tensor disparity(const torch::Tensor& depth, const torch::Tensor& transmittance, double fovx);

/// A picture as files and screens hold it: clamp(rgb, 0, 1). Its gradient reaches what lies beyond the range where it
/// pulls back, and only there, where clamp's would leave it outside for ever.
torch::Tensor as_displayed(const torch::Tensor& rgb);

/// Classic total variation: 2 (sum dy^2 / count_y + sum dx^2 / count_x) / batch. x [B,C,H,W] -> scalar.
torch::Tensor total_variation(const torch::Tensor& x);

}  // namespace lucid::distill
