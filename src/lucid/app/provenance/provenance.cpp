// SPDX-License-Identifier: Apache-2.0
// Digests of the files that a run read and wrote.
#include "lucid/app/provenance/provenance.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>

#include "lucid/app/learned_start.h"
#include "lucid/app/provenance/file_difference.h"
#include "lucid/app/run_options/start_kinds.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/base/sha256.h"
#include "lucid/eval/found_assets.h"
#include "lucid/pointe/point_e.h"
#include "lucid/upscale/model.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

constexpr const char* kData = "<data>";

std::string shown_path(const fs::path& file) {
  std::error_code none;
  const fs::path whole = fs::weakly_canonical(file, none), data = fs::weakly_canonical(data_folder(), none);
  const fs::path inside = whole.lexically_relative(data);
  const bool is_inside = !inside.empty() && *inside.begin() != "..";
  return is_inside ? (fs::path(kData) / inside).string() : whole.string();
}

fs::path path_of(const std::string& shown) {
  const fs::path path = shown;
  return !path.empty() && *path.begin() == kData ? data_folder() / path.lexically_relative(kData) : path;
}

/// The files of a list and their digests.
class Files {
 public:
  explicit Files(FileDigests& digests) : digests_(digests) {}
  void add(const fs::path& file) {
    std::error_code none;
    if (file.empty() || !fs::is_regular_file(file, none)) return;
    found_[shown_path(file)] = digests_.of(file);
  }
  /// The small files beside weights: configs, vocabularies, schedules, views.json.
  void add_texts(const fs::path& folder) {
    constexpr uintmax_t kSmall = 16 << 20;
    std::error_code none;
    if (!fs::is_directory(folder, none)) return;
    for (auto entry = fs::recursive_directory_iterator(folder, none); entry != fs::recursive_directory_iterator();
         entry.increment(none)) {
      const std::string extension = entry->path().extension().string();
      if (entry->path().filename() == "presets") entry.disable_recursion_pending();
      const bool is_text = extension == ".json" || extension == ".txt" || extension == ".gz";
      if (is_text && fs::file_size(entry->path(), none) < kSmall) add(entry->path());
    }
  }
  nlohmann::json json() const { return found_; }

 private:
  FileDigests& digests_;
  std::map<std::string, std::string> found_;
};

/// Files that another process keeps in a run's folder, or that say themselves what is in the others.
bool is_no_output(const fs::path& relative) {
  const std::string name = relative.filename().string();
  if (std::ranges::any_of(relative, [](const fs::path& part) { return part.string().starts_with('.'); })) return true;
  return name == "manifest.json" || name == "failure.json" || name == "job.json" || name == "log.txt" ||
         name.starts_with("live.frame") || relative.extension() == ".damaged";
}

/// Whether two equal runs may differ in a file.
bool may_differ(const std::string& file) {
  return file.starts_with("events.out.tfevents") || file == "effective_config.yaml";
}

}  // namespace

const std::string& FileDigests::of(const fs::path& file) {
  std::error_code none;
  std::string& digest = found_[fs::weakly_canonical(file, none)];
  if (digest.empty()) digest = sha256_of_file(file);
  return digest;
}

nlohmann::json inputs_of(const RunOptions& options, const text_to_image::Prior& prior, FileDigests& digests) {
  Files files(digests);
  for (const fs::path& file : prior.weight_files) files.add(file);
  files.add_texts(prior.folder);
  files.add_texts(options.prior_config);
  files.add_texts(options.controlnet);
  files.add(options.controlnet_mesh);
  files.add(options.train.start.file);
  files.add(options.pretrained_model_path);
  files.add(options.avatar.body == avatar::kNeutralBody ? data_folder() / "models/body/body.glb"
                                                        : fs::path(options.avatar.body));
  files.add(options.avatar.pose);
  std::error_code none;
  files.add(fs::is_directory(options.edit.asset, none) ? eval::asset_of_run(options.edit.asset).file
                                                       : fs::path(options.edit.asset));
  if (!options.edit.mask_images.empty() && fs::is_directory(options.edit.mask_images, none)) {
    for (const auto& entry : fs::directory_iterator(options.edit.mask_images)) files.add(entry.path());
  }
  const std::string& start = options.train.start.kind;
  if (start == kPointE && !options.pointe.empty()) {
    for (const fs::path& file : pointe::WeightFiles::in_folder(options.pointe).all()) files.add(file);
  }
  if (start == kLearnedStart) {
    files.add(shape::weights_file(shape_model()));
    files.add_texts(shape_model());
  }
  if (uses_upscaler(options)) {
    files.add(upscale::weights_file(upscaler_folder()));
    files.add_texts(upscaler_folder());
  }
  return files.json();
}

nlohmann::json outputs_of(const fs::path& root) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const fs::path relative = entry.path().lexically_relative(root);
    if (entry.is_regular_file() && !is_no_output(relative)) found[relative.string()] = sha256_of_file(entry.path());
  }
  return found;
}

nlohmann::json build_of(const RunOptions& options, const std::string& commit) {
  return {{"version", LUCID_VERSION},
          {"commit", commit},
          {"compiler", fmt::format("{} {}",
#if defined(__clang__)
                                   "clang", __clang_version__
#else
                                   "gcc", __VERSION__
#endif
                                   )},
          {"libtorch", TORCH_VERSION},
          {"instruction_set", name_of(widest_isa())},
          {"bfloat16", has_fast_bfloat16()},
          {"threads", at::get_num_threads()},
          {"device", options.device}};
}

nlohmann::json read_manifest(const fs::path& root) {
  const fs::path file = root / "manifest.json";
  std::error_code none;
  if (!fs::exists(file, none)) {
    throw UserError({.what_happened = "holds no manifest.json: no run has finished here", .file = root.string()});
  }
  const nlohmann::json manifest = nlohmann::json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  const auto has_list = [&](const char* key) {
    if (!manifest.is_object() || !manifest.contains(key) || !manifest[key].is_object()) return false;
    return std::ranges::all_of(manifest[key], [](const nlohmann::json& digest) { return digest.is_string(); });
  };
  for (const char* key : {"inputs_sha256", "outputs_sha256"}) {
    if (!has_list(key)) {
      throw UserError({.what_happened = "is missing, or no list of digests",
                       .file = file.string(),
                       .key = key,
                       .hint = "an earlier version of lucid made the run, or the file is damaged"});
    }
  }
  return manifest;
}

std::vector<FileState> check_files(const fs::path& root, const nlohmann::json& manifest) {
  std::vector<FileState> states;
  const auto check = [&](const std::string& shown, const fs::path& file, const std::string& digest, bool is_input) {
    FileState state{.file = shown, .is_input = is_input};
    std::error_code none;
    if (!fs::is_regular_file(file, none)) {
      state.is = FileState::Is::kMissing;
    } else if (sha256_of_file(file) != digest) {
      state.is = FileState::Is::kChanged;
    }
    states.push_back(state);
  };
  for (const auto& [file, digest] : manifest.at("inputs_sha256").items()) check(file, path_of(file), digest, true);
  for (const auto& [file, digest] : manifest.at("outputs_sha256").items()) check(file, root / file, digest, false);
  return states;
}

Comparison compare_runs(const fs::path& root, const nlohmann::json& manifest, const fs::path& again) {
  Comparison result;
  const std::string name = root.filename().string() + ".";
  for (const auto& [file, digest] : manifest.at("outputs_sha256").items()) {
    if (may_differ(file)) continue;
    std::error_code none;
    // Exports bear the name of the run's folder.
    const bool has_name = file.starts_with(name);
    const fs::path twin = again / (has_name ? again.filename().string() + "." + file.substr(name.size()) : file);
    const bool is_there = fs::is_regular_file(twin, none);
    if (!is_there && file.starts_with("checkpoints/")) continue;
    if (is_there && sha256_of_file(twin) == digest.get<std::string>()) {
      ++result.equal;
      continue;
    }
    ++result.different;
    const std::string how = is_there ? difference_of(root / file, twin) : "was not made again";
    result.differences.push_back(fmt::format("{}: {}", file, how));
  }
  return result;
}

}  // namespace lucid::app
