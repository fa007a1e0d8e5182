// SPDX-License-Identifier: Apache-2.0
// Assets of run folders, by their manifests, and of single files, by their names.
#include "lucid/eval/found_assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"

namespace lucid::eval {
namespace fs = std::filesystem;
namespace {

constexpr std::array kSplatExtensions = {".ply", ".spz", ".splat"};

bool is_splat_file(const fs::path& file) {
  return std::ranges::find(kSplatExtensions, file.extension().string()) != kSplatExtensions.end();
}

/// "a_red_cup_s3.ply": the prompt "a red cup" and the seed 3.
FoundAsset asset_of_file(const fs::path& file) {
  FoundAsset asset{.file = file, .name = file.stem().string(), .prompt = file.stem().string()};
  const size_t at = asset.prompt.rfind("_s");
  if (at != std::string::npos) {
    const char *begin = asset.prompt.data() + at + 2, *end = asset.prompt.data() + asset.prompt.size();
    const auto [stop, error] = std::from_chars(begin, end, asset.seed);
    if (error == std::errc() && stop == end) asset.prompt.resize(at);
  }
  std::ranges::replace(asset.prompt, '_', ' ');
  return asset;
}

void add_assets(const fs::path& path, std::vector<FoundAsset>& assets) {
  std::error_code none;
  if (!fs::is_directory(path, none)) {
    if (is_splat_file(path)) assets.push_back(asset_of_file(path));
    return;
  }
  if (fs::exists(path / "manifest.json", none)) {
    assets.push_back(asset_of_run(path));
    return;
  }
  for (const char* begun : {"init_points3d.ply", "job.json"}) {  // a run that is not finished
    if (fs::exists(path / begun, none)) return;
  }
  std::vector<fs::path> entries;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, none)) entries.push_back(entry.path());
  std::ranges::sort(entries);
  for (const fs::path& entry : entries) add_assets(entry, assets);
}

}  // namespace

FoundAsset asset_of_run(const fs::path& folder) {
  const fs::path file = folder / "manifest.json";
  const nlohmann::json manifest = read_json_object(file);
  try {
    return {.file = folder / "point_cloud" / fmt::format("iteration_{}", manifest.at("iterations").get<int64_t>()) /
                    "point_cloud.ply",
            .name = folder.filename().string(),
            .prompt = manifest.at("prompt"),
            .seed = manifest.at("seed"),
            .seconds = manifest.at("seconds"),
            .peak_mb = manifest.at("peak_mb")};
  } catch (const nlohmann::json::exception& error) {
    throw UserError({.what_happened = error.what(), .file = file.string(), .hint = "`lucid generate` writes it"});
  }
}

std::vector<FoundAsset> find_assets(const fs::path& path) {
  std::error_code none;
  if (!fs::exists(path, none)) throw UserError({.what_happened = "does not exist", .file = path.string()});
  // Of "runs/" the last part is empty, and it would be the name of a run there.
  const fs::path named = path.has_filename() ? path : path.parent_path();
  std::vector<FoundAsset> assets;
  add_assets(named, assets);
  if (assets.empty()) {
    throw UserError({.what_happened = "holds no assets",
                     .file = path.string(),
                     .hint = "name the folder of a run, a folder of runs, or files of Gaussians"});
  }
  return assets;
}

}  // namespace lucid::eval
