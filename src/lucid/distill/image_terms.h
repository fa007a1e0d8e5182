// SPDX-License-Identifier: Apache-2.0
// Differentiable functions of the rendered images: disparity map, display clamp, total variation loss.
#pragma once

#include <torch/torch.h>

namespace lucid::distill {

/// Disparity map [B,1,H,W] in [0,1] as in LucidDreamer: near is 1, the background 0. depth [B,1,H,W] is the sum of w z;
/// transmittance [B,1,H,W] is 1 - alpha, and puts empty pixels at distance 10 (the reference's rasteriser calls it
/// alpha); fovx in radians. Differentiable in depth and transmittance.
torch::Tensor disparity(const torch::Tensor& depth, const torch::Tensor& transmittance, double fovx);

/// clamp(rgb, 0, 1), the colours of image files and screens. The gradient passes values outside [0,1] if it moves them
/// back towards the range; the gradient of clamp would be 0 there, and such values would never return.
torch::Tensor as_displayed(const torch::Tensor& rgb);

/// Dreamer-XL's limit for gradients of images, d [B,C,H,W]. Colours: each pixel's channels are scaled down together, so
/// that none exceeds `limit`. Depth: all pixels of a view together, as in its code. 0: the same tensor.
torch::Tensor clipped_per_pixel(const torch::Tensor& d, double limit);
torch::Tensor clipped_per_view(const torch::Tensor& d, double limit);

/// Total variation loss, squared differences: 2 (sum dy^2 / count_y + sum dx^2 / count_x) / B. x [B,C,H,W] -> scalar.
torch::Tensor total_variation(const torch::Tensor& x);

}  // namespace lucid::distill
