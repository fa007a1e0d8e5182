// SPDX-License-Identifier: Apache-2.0
// Images: PNG files, contact sheets, and colour-mapped images of depth and latents.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "lucid/asset/pictures/picture_style.h"

namespace lucid::asset {

/// Float image [C,H,W] in [0, 1] -> [H,W,C] uint8, contiguous. Values outside are clamped, NaN becomes 0.
torch::Tensor to_bytes(const torch::Tensor& image);
/// Writes an image [3,H,W], [1,H,W] or [4,H,W] (straight alpha), float in [0, 1] (clamped). Throws UserError.
void write_png(const std::filesystem::path& file, const torch::Tensor& image);
/// Reads any PNG as [3,H,W] float in [0, 1]; transparent pixels are over white. Throws UserError.
torch::Tensor read_png(const std::filesystem::path& file);

/// Rows of images [C,H,W] of equal size with gaps of `gap` pixels in the colour `fill` [C] (not given: white, opaque)
/// -> [C,H',W'].
torch::Tensor contact_sheet(const std::vector<std::vector<torch::Tensor>>& rows, int gap = 2,
                            const torch::Tensor& fill = {});

/// Perceptual colour map from dark blue to yellow: x [1,H,W] in [0, 1] -> [3,H,W].
torch::Tensor colour_map(const torch::Tensor& x);
/// The range of mean z among solid pixels (alpha above 0.5), or among all where none is solid; empty if nothing is
/// visible. Rendered depth (sum of weight * z) and alpha [1,H,W].
std::optional<DepthRange> visible_range(const torch::Tensor& depth, const torch::Tensor& alpha);
/// Colour map of mean z, bright at range.near and dark at range.far -> [3,H,W]. Without a range: visible_range().
torch::Tensor depth_colours(const torch::Tensor& depth, const torch::Tensor& alpha,
                            const std::optional<DepthRange>& range = {});
/// depth_colours() over white.
torch::Tensor depth_image(const torch::Tensor& depth, const torch::Tensor& alpha);
/// Latents [C,h,w] -> [3,h,w] in [0, 1]: projections to three fixed directions, each scaled to the full range.
torch::Tensor latents_image(const torch::Tensor& latents);
/// Nearest-neighbour resize: [C,h,w] -> [C,height,width].
torch::Tensor resize_nearest(const torch::Tensor& image, int64_t height, int64_t width);

}  // namespace lucid::asset
