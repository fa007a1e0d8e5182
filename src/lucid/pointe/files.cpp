// SPDX-License-Identifier: Apache-2.0
// Finds Point-E's three networks in a folder, by the names under which they are published.
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "lucid/base/error.h"
#include "lucid/pointe/point_e.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pointe {
namespace fs = std::filesystem;
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The file STEM.safetensors or STEM.pt, in any case.
std::optional<fs::path> weight_file(const std::vector<fs::path>& entries, const std::string& stem) {
  for (const char* kind : {".safetensors", ".pt"}) {
    for (const fs::path& entry : entries) {
      std::error_code none;
      if (lower(entry.filename()) == stem + kind && fs::is_regular_file(entry, none)) return entry;
    }
  }
  return std::nullopt;
}

/// A folder of transformers' (config.json and weights) with CLIP.
std::optional<fs::path> clip_folder(const std::vector<fs::path>& entries) {
  for (const char* name : {"clip-vit-large-patch14", "clip"}) {
    for (const fs::path& entry : entries) {
      std::error_code none;
      if (lower(entry.filename()) == name && fs::is_directory(entry, none)) return entry;
    }
  }
  return std::nullopt;
}

}  // namespace

WeightFiles WeightFiles::in_folder(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    entries.push_back(at->path());
  }
  if (error) {
    throw UserError({.what_happened = "cannot be read: " + error.message(),
                     .file = folder.string(),
                     .hint = "--pointe names a folder with Point-E's weights"});
  }
  std::ranges::sort(entries);
  const auto base = weight_file(entries, "base_40m_textvec"), upsample = weight_file(entries, "upsample_40m");
  const auto clip_file = weight_file(entries, "vit-l-14"), clip = clip_file ? clip_file : clip_folder(entries);
  std::vector<std::string> missing;
  if (!base) missing.emplace_back("base_40m_textvec.pt");
  if (!upsample) missing.emplace_back("upsample_40m.pt");
  if (!clip) missing.emplace_back("ViT-L-14.pt (or a folder clip-vit-large-patch14)");
  if (!missing.empty()) {
    throw UserError({.what_happened = fmt::format("lacks {}", fmt::join(missing, ", ")),
                     .file = folder.string(),
                     .hint = "--pointe names a folder with Point-E's weights; .safetensors will do as well"});
  }
  return {.base = *base, .upsample = *upsample, .clip = *clip};
}

std::vector<fs::path> WeightFiles::all() const {
  std::vector<fs::path> files = {base, upsample};
  std::error_code none;
  if (!fs::is_directory(clip, none)) {
    files.push_back(clip);
  } else {
    std::ranges::copy(weights::part_files(clip, "model"), std::back_inserter(files));
  }
  return files;
}

}  // namespace lucid::pointe
