// SPDX-License-Identifier: Apache-2.0
// Looks for a name that only SDXL has: a key of the U-Net's config.json, or tensors of the second text encoder.
#include "lucid/app/run_options/prior_kind.h"

#include <fstream>
#include <string>
#include <string_view>

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

/// Whether the first bytes of a file hold `text`. A single file's names stand at its beginning: in the header of
/// safetensors (0.4 MB for SDXL), in the first entry of a torch file (1 MB).
bool begins_with_a_mention(const fs::path& file, std::string_view text) {
  constexpr std::streamsize kMost = 8 << 20;
  std::ifstream in(file, std::ios::binary);
  if (!in) return false;
  std::string bytes(static_cast<size_t>(kMost), '\0');
  in.read(bytes.data(), kMost);
  return std::string_view(bytes.data(), static_cast<size_t>(in.gcount())).find(text) != std::string_view::npos;
}

}  // namespace

bool is_xl_prior(const fs::path& prior) {
  std::error_code none;
  if (fs::is_directory(prior, none)) return begins_with_a_mention(prior / "unet/config.json", "\"text_time\"");
  return fs::is_regular_file(prior, none) && begins_with_a_mention(prior, "conditioner.embedders.1.model.");
}

}  // namespace lucid::app
