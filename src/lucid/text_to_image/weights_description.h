// SPDX-License-Identifier: Apache-2.0
// What a weight file or a diffusers folder is, told from names, shapes and config files, before anything is loaded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image {

enum class WeightsKind { kFolder, kCheckpoint, kLora, kInversion, kControlNet, kPart, kUnknown };

struct WeightsDescription {
  WeightsKind kind = WeightsKind::kUnknown;
  std::filesystem::path path;
  std::string container = {};                        // "safetensors", "torch file (read as data)", "diffusers folder"
  std::string what = {};                             // "LoRA (kohya) for Stable Diffusion 1.x"
  std::vector<std::string> details = {};             // further lines: sizes of the parts, prediction
  std::map<std::string, int64_t> stored = {};        // how many numbers, by the dtype they are stored in
  std::vector<std::filesystem::path> files = {};     // that hold the weights
  std::map<std::string, std::string> metadata = {};  // of a single file
  std::vector<std::string> words = {};               // of a textual inversion or a PTI file
  std::vector<std::string> missing = {};             // files that diffusers would have here, relative to the folder
  std::string refusal = {}, hint = {};               // why lucid cannot use it, and what to do; empty = nothing known

  int64_t numbers() const;
};

/// Reads headers, shapes and config files, not the weights themselves. Throws UserError: unreadable, damaged, a
/// placeholder in place of weights. What is sound but of no use to lucid is told by `refusal` and `missing`.
WeightsDescription describe_weights(const std::filesystem::path& path);

/// Throws UserError if the description names missing files or a refusal.
void check_usable(const WeightsDescription& description);

/// "Stable Diffusion 2.x, v-prediction": by the text encoder, the sizes of the U-Net and what it predicts.
std::string model_name(const Prior& prior);

/// "Stable Diffusion 1.x", "Stable Diffusion 2.x" or "SDXL", whatever its sizes.
std::string family_of(const Prior& prior);

/// "Stable Diffusion 1.x" for the width of a text encoder's output (768), "2.x" for 1024; else the width in words.
std::string family_of_width(int64_t width);

/// The published name of a file with this SHA-256, "" if it is none that we can cite.
std::string published_name(const std::string& sha256);

}  // namespace lucid::text_to_image
