// SPDX-License-Identifier: Apache-2.0
// What the descriptions of files and of folders share.
#pragma once

#include <string_view>

#include "lucid/text_to_image/weights_description.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text_to_image {

inline constexpr const char* kUsableModels =
    "lucid takes Stable Diffusion 1.x, 2.x, SDXL, finetunes of them, and MVDream";

inline constexpr std::string_view kRefiner = "SDXL's refiner";

/// Widths of the text encoders' outputs, which the U-Net's cross-attention reads.
inline constexpr int64_t kWidthOf1 = 768, kWidthOf2 = 1024, kWidthOfXl = 2048;

/// A model that lucid does not take, and what tells it.
struct ForeignModel {
  std::string_view mark, name;
};

/// "NAME: not supported".
inline void refuse_as(WeightsDescription& description, std::string_view name) {
  description.refusal = std::string(name) + ": not supported";
  description.hint = kUsableModels;
}

/// Throws UserError about a file that stands in place of weights: a pointer of Git LFS, a web page.
void refuse_placeholder(const std::filesystem::path& file);

/// Adds to description.stored. Position ids and counters of training are no weights.
void count_stored(const weights::StateDict& state, WeightsDescription& description);

/// Which model of another kind a diffusers folder holds; "" if there is none that we know. Throws UserError.
std::string foreign_model(const std::filesystem::path& folder);

/// describe_weights() of an existing folder.
WeightsDescription describe_folder(const std::filesystem::path& folder);

}  // namespace lucid::text_to_image
