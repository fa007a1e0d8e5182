// SPDX-License-Identifier: Apache-2.0
// Presets, the data folder, names of runs, and the checks that span several options.
#include "lucid/app/run_options/run_options.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "lucid/app/run_options/edits.h"
#include "lucid/app/run_options/export_options.h"
#include "lucid/app/run_options/memory_size.h"
#include "lucid/app/run_options/multi_view.h"
#include "lucid/app/run_options/option_rows.h"
#include "lucid/app/run_options/prior_kind.h"
#include "lucid/base/error.h"
#include "lucid/base/sha256.h"
#include "lucid/distill/score_table.h"

namespace lucid::app {
namespace fs = std::filesystem;

std::string name_from_prompt(const std::string& text) {
  constexpr size_t kMostLetters = 60, kDigits = 8;
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      name += static_cast<char>(std::tolower(byte));
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  const bool cut = name.size() > kMostLetters;
  if (cut) name.resize(kMostLetters);
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (cut) name.append("_").append(sha256_of_bytes(text).substr(0, kDigits));  // long prompts often begin alike
  return name.empty() ? "asset" : name;
}

fs::path data_folder() {
  if (const char* folder = std::getenv("LUCID_DATA"); folder != nullptr && *folder != '\0') return folder;
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none);
  const fs::path beside = program.parent_path() / ".." / "share" / "lucid";
  if (fs::exists(beside / "models", none)) return fs::canonical(beside, none);
  return LUCID_SOURCE_DATA;
}

fs::path embedded_prior() { return data_folder() / "models" / "mini"; }
fs::path upscaler_folder() { return data_folder() / "models" / "upscale"; }
bool uses_upscaler(const RunOptions& options) { return options.train.refine.iter > 0 && options.train.refine.fine > 0; }

static fs::path shipped_presets() { return data_folder() / "configs" / "presets"; }

/// Where a preset for this prior lies.
static fs::path preset_folder(const fs::path& prior, const std::string& preset) {
  std::error_code none;
  const fs::path own = prior / "presets", shipped = shipped_presets(), xl = shipped / "sdxl";
  if (fs::exists(own / (preset + ".yaml"), none)) return own;
  return fs::exists(xl / (preset + ".yaml"), none) && is_xl_prior(prior) ? xl : shipped;
}

/// What a prior's own presets say of its steps with groups of views.
static fs::path own_multi_view(const fs::path& prior) { return prior / "presets" / "multi_view"; }

/// Sets common.yaml, then PRESET.yaml of a folder, each if it is there.
static void set_if_there(config::OptionTable& table, const fs::path& folder, const std::string& preset,
                         const std::string& source) {
  for (const std::string& name : {std::string("common"), preset}) {
    const fs::path file = folder / (name + ".yaml");
    std::error_code none;
    if (fs::exists(file, none)) table.set_from_yaml(file, fmt::format("preset {}{}", source, name));
  }
}

void apply_preset(config::OptionTable& table, const fs::path& prior, const std::string& preset) {
  std::error_code none;
  const fs::path folder = preset_folder(prior, preset);
  if (fs::exists(folder / "common.yaml", none)) table.set_from_yaml(folder / "common.yaml", "preset");
  table.set_from_yaml(folder / (preset + ".yaml"), "preset " + preset);
  const bool has_say = folder == shipped_presets() || fs::exists(own_multi_view(prior), none);
  if (has_say && is_multi_view(prior)) apply_multi_view(table, prior, preset);
}

void apply_multi_view(config::OptionTable& table, const fs::path& prior, const std::string& preset,
                      const std::string& file) {
  std::error_code none;
  if (fs::exists(own_multi_view(prior), none)) {
    set_if_there(table, own_multi_view(prior), preset, "multi_view/");
  } else {
    table.set_from_yaml(shipped_presets() / "multi_view.yaml", "preset multi_view");
  }
  if (!file.empty()) table.set_from_yaml(file, "preset multi_view");
}

void apply_start_preset(config::OptionTable& table, const fs::path& prior, const std::string& preset,
                        const std::string& start) {
  BoundOptions suited;
  set_if_there(suited.table, prior / "presets" / start, preset, start + "/");
  if (is_multi_view(prior)) {
    set_if_there(suited.table, own_multi_view(prior) / start, preset, fmt::format("multi_view/{}/", start));
  }
  for (const config::Option& option : suited.table.options()) {
    const std::string& source = table.at(option.name).source;
    const bool asked_for = source != "default" && !source.starts_with("preset");
    if (option.source == "default" || asked_for) continue;
    table.set(option.name, config::value_text(option), option.source, option.file, option.line);
  }
}

bool is_of_process(const std::string& option_name) {
  constexpr std::array<std::string_view, 10> kNames = {"text",   "output", "workspace", "overwrite",  "resume",
                                                       "finish", "live",   "watch",     "more_steps", "progress"};
  return std::ranges::find(kNames, option_name) != kNames.end();
}

void apply_given(config::OptionTable& table, const std::string& config_file,
                 const std::map<std::string, std::string>& given) {
  BoundOptions probe;
  if (!config_file.empty()) probe.table.set_from_yaml(config_file, "config");
  for (const auto& [name, value] : given) probe.table.set(name, value, "flag");

  const bool reference_defaults =
      !config_file.empty() && !given.contains("preset") && probe.table.at("model_key").source == "config";
  const fs::path prior = main_prior(probe.options);
  const std::string preset = probe.options.edit.asset.empty() ? probe.options.preset : edit_preset(probe.options);
  if (!reference_defaults) apply_preset(table, prior, preset);
  if (!probe.options.multi_view_config.empty() && is_multi_view(prior))
    apply_multi_view(table, prior, preset, probe.options.multi_view_config);
  if (!probe.options.avatar.body.empty())
    table.set_from_yaml(preset_folder(prior, "avatar") / "avatar.yaml", "preset avatar");
  if (!config_file.empty()) table.set_from_yaml(config_file, "config");
  for (const auto& [name, value] : given) table.set(name, value, "flag");
}

namespace {

void check_edit(const RunOptions& options) {
  const auto& t = options.train;
  const distill::ScoreInfo* score = distill::find_score(t.score.score);
  const bool is_edit = !options.edit.asset.empty(), compares = score != nullptr && score->edits();
  if (is_edit && !compares) {
    throw UserError({.what_happened = fmt::format("{} makes assets; it edits none", t.score.score),
                     .key = "score",
                     .hint = "dds, pds, delta-ism or ip2p"});
  }
  if (is_edit && (!t.start.file.empty() || !options.pretrained_model_path.empty())) {
    throw UserError(UserMistake{.what_happened = "is given, and a file to start from as well (init_file)",
                                .key = "asset",
                                .hint = "an edit starts from its asset"});
  }
  if (is_edit && t.score.instructed() && !options.edit.mask_word.empty()) {
    throw UserError(
        UserMistake{.what_happened = "looks for a word of the asset's prompt; ip2p has an instruction instead",
                    .key = "mask_word",
                    .hint = "mask_box, mask_sphere or mask_images"});
  }
  if (is_edit) return;
  if (compares) {
    throw UserError({.what_happened = fmt::format("{} edits an asset that exists; it makes none", t.score.score),
                     .key = "score",
                     .hint = "lucid edit ASSET --to \"a blue car\""});
  }
  for (const auto& [key, value] : {std::pair{"from_text", options.edit.from},
                                   {"mask_box", options.edit.mask_box},
                                   {"mask_sphere", options.edit.mask_sphere},
                                   {"mask_images", options.edit.mask_images},
                                   {"mask_word", options.edit.mask_word}}) {
    if (!value.empty()) {
      throw UserError({.what_happened = "is for an edit, and there is no asset to edit",
                       .key = key,
                       .hint = "lucid edit ASSET --to \"a blue car\""});
    }
  }
}

}  // namespace

void check_options(const RunOptions& options) {
  const auto& t = options.train;
  if (options.text.empty()) {
    throw UserError({.what_happened = "there is no prompt", .key = "text", .hint = "lucid generate \"a hamburger\""});
  }
  if (options.workspace.find('/') != std::string::npos || options.workspace == "." || options.workspace == "..") {
    throw UserError({.what_happened = "must be a plain folder name",
                     .key = "workspace",
                     .hint = "--output names the folder that it is made in"});
  }
  if (options.finish && !options.resume) {
    throw UserError({.what_happened = "needs a checkpoint to start from", .key = "finish", .hint = "add --resume"});
  }
  if (t.score.min_t_range > t.score.max_t_range) {
    throw UserError(
        {.what_happened = fmt::format("{} is above max_t_range {}", t.score.min_t_range, t.score.max_t_range),
         .key = "min_t_range"});
  }
  if (!distill::is_valid_t_range(t.score)) {
    throw UserError({.what_happened = fmt::format("[{}, {}] and max_t_range {} do not rise", t.score.t_range_low,
                                                  t.score.t_range_high, t.score.max_t_range),
                     .key = "t_range"});
  }
  const auto rising = [](const char* key, const Range& range) {
    if (range.low > range.high) {
      throw UserError({.what_happened = fmt::format("[{}, {}] does not rise", range.low, range.high), .key = key});
    }
  };
  rising("radius_range", t.views.radius);
  rising("theta_range", t.views.theta);
  rising("phi_range", t.views.phi);
  rising("fovy_range", t.views.fovy);
  parse_format_names(options.export_formats, "export");
  check_multi_view(options);
  bytes_of(options.memory);
  check_edit(options);
  check_avatar(options);
  if (!t.start.file.empty() && !options.pretrained_model_path.empty()) {
    throw UserError({.what_happened = "is given, and pretrained_model_path as well",
                     .key = "init_file",
                     .hint = "both name the file to start from; leave one out"});
  }
  if (!options.controlnet_mesh.empty() && options.controlnet.empty()) {
    throw UserError(
        UserMistake{.what_happened = "a mesh is given, but no ControlNet that could look at it (--controlnet)",
                    .key = "controlnet_mesh"});
  }
}

}  // namespace lucid::app
