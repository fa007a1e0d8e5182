// SPDX-License-Identifier: Apache-2.0
// The pictures of an object that a new word is learnt from.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lucid/text_to_image/view_prompts.h"

namespace lucid::personalise {

struct Picture {
  torch::Tensor rgb;                             // [3,S,S] in [0, 1]
  std::optional<text_to_image::Direction> view;  // where it was taken from, if its name says so
};

/// The direction in a file's name: az-45 or az-45_el15, in degrees, set apart by anything but letters and digits.
std::optional<text_to_image::Direction> view_in_name(const std::string& name);

/// All PNG and JPEG files of a folder, by name, each padded to a square with white and scaled to `side` pixels.
/// Transparent pixels are over white. Throws UserError: no such folder, no picture in it, more than 1000, a file that
/// cannot be decoded, or has a side above 16384 pixels or more than 2^26 pixels.
std::vector<Picture> read_pictures(const std::filesystem::path& folder, int64_t side);

}  // namespace lucid::personalise
