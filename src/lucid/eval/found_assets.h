// SPDX-License-Identifier: Apache-2.0
// Finds assets on disk, made by any run: their files, prompts and seeds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lucid::eval {

struct FoundAsset {
  std::filesystem::path file;  // its Gaussians
  std::string name;            // of the run's folder, or of the file without its extension
  std::string prompt;          // of manifest.json, or the name with spaces for '_' and without a seed
  int64_t seed = 0;            // of manifest.json, or of a name that ends in _sN
  double seconds = 0;          // of manifest.json
  int64_t peak_mb = 0;         // of manifest.json
};

/// The asset of a finished run: a folder with manifest.json. Throws UserError.
FoundAsset asset_of_run(const std::filesystem::path& folder);

/// All assets at `path`, by name: a file of Gaussians (.ply, .spz, .splat), the folder of a run, or a folder with such
/// files and folders at any depth. Unfinished runs are left out. Throws UserError if there are none.
std::vector<FoundAsset> find_assets(const std::filesystem::path& path);

}  // namespace lucid::eval
