// SPDX-License-Identifier: Apache-2.0
// Captions for contact sheets.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "lucid/asset/pictures/picture_style.h"

namespace lucid::asset {

/// The lines of a caption under a picture of this width in pixels, broken at spaces; three at most, then "...".
/// Characters outside ASCII become '?'.
std::vector<std::string> caption_lines(const std::string& text, int width);

/// The height of a band for this many lines under a picture of this width, pixels.
int caption_height(size_t lines, int width);

/// A band [3,h,width] with the lines, each centred, antialiased; [4,h,width] if the background is transparent. The text
/// is black, or white on a dark background. h = caption_height(band_lines, width).
torch::Tensor caption_band(const std::vector<std::string>& lines, size_t band_lines, int width,
                           const Background& background);

}  // namespace lucid::asset
