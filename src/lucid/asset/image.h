// SPDX-License-Identifier: Apache-2.0
// Pictures: PNG files, contact sheets, a colour map for depth.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <vector>

namespace lucid::asset {

/// A picture [C,H,W] in 0..1 (clamped; no number is 0) as files hold it: [H,W,C] uint8, without gaps.
torch::Tensor to_bytes(const torch::Tensor& picture);
/// picture [3,H,W] or [1,H,W] float in 0..1 (clamped). Throws UserError.
void write_png(const std::filesystem::path& file, const torch::Tensor& picture);
torch::Tensor read_png(const std::filesystem::path& file);  // [3,H,W] float in 0..1; for tests and tools

/// Rows of pictures [3,H,W] of equal size, with a gap of `gap` white pixels -> [3,H',W'].
torch::Tensor contact_sheet(const std::vector<std::vector<torch::Tensor>>& rows, int gap = 2);

/// x [1,H,W] in 0..1 -> [3,H,W], a perceptual map (dark blue to yellow).
torch::Tensor colour_map(const torch::Tensor& x);
/// depth, alpha [1,H,W] -> colours: near bright, empty white.
torch::Tensor depth_picture(const torch::Tensor& depth, const torch::Tensor& alpha);
/// Latents [C,h,w] -> RGB [3,h,w] in 0..1: three principal directions that are fixed by the channel count, stretched.
torch::Tensor latents_picture(const torch::Tensor& latents);
/// Nearest-neighbour resize for sheets. [C,h,w] -> [C,H,W].
torch::Tensor resize_nearest(const torch::Tensor& picture, int64_t height, int64_t width);

}  // namespace lucid::asset
