// SPDX-License-Identifier: Apache-2.0
// The background of pictures on white: which pixels are background, and the pictures on another colour. A fit to
// pictures on white alone cannot tell white parts of an object from holes, nor see white haze beside it.
#pragma once

#include <torch/torch.h>

#include <array>

namespace lucid::train {

/// A mask [B,1,H,W] bool, grown by `reach` pixels to each side.
torch::Tensor grown(const torch::Tensor& mask, int64_t reach);

/// Masks of pictures, [B,1,H,W] bool on their device.
struct Backgrounds {
  torch::Tensor surely;  // nearly white pixels that are connected with the picture's edge by such pixels
  torch::Tensor unsure;  // its rim, `rim` pixels to each side, and other light pixels: holes, or white parts
};

/// pictures [B,3,H,W] in [0, 1], on white. The search runs on the CPU.
Backgrounds backgrounds_of(const torch::Tensor& pictures, int64_t rim);

/// pictures [B,3,H,W] with their background in another colour.
torch::Tensor on_colour(const torch::Tensor& pictures, const torch::Tensor& background,
                        const std::array<float, 3>& colour);

}  // namespace lucid::train
