// SPDX-License-Identifier: Apache-2.0
// The tiny MVDream of the goldens, in both of its layouts.
#pragma once

#include <filesystem>
#include <fstream>

#include "goldens.h"

namespace lucid::test {

inline std::filesystem::path multi_view_goldens() { return goldens() / "applications/mvdream"; }
inline std::filesystem::path multi_view_checkpoint() { return multi_view_goldens() / "mvdream-tiny.pt"; }

/// Makes the port's folder of that prior: its U-Net and schedule with the text encoder and the VAE of its checkpoint's
/// source. Returns the folder.
inline std::filesystem::path make_multi_view_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  fs::create_directories(folder);
  for (const auto& [from, name] : {std::pair(multi_view_goldens() / "unet", "unet"),
                                   {multi_view_goldens() / "scheduler", "scheduler"},
                                   {goldens() / "distill/vae", "vae"},
                                   {goldens() / "adapters/text_encoder", "text_encoder"},
                                   {goldens() / "adapters/tokenizer", "tokenizer"}}) {
    fs::copy(from, folder / name, fs::copy_options::recursive);
    for (const auto& entry : fs::recursive_directory_iterator(folder / name)) {
      fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
    }
    fs::permissions(folder / name, fs::perms::owner_write, fs::perm_options::add);
  }
  std::ofstream(folder / "model_index.json") << R"({"_class_name": "MVDreamPipeline"})";
  return folder;
}

}  // namespace lucid::test
