// SPDX-License-Identifier: Apache-2.0
// Recognises multi-view priors, and checks the options of their runs.
#include "lucid/app/run_options/multi_view.h"

#include <fmt/format.h>

#include <fstream>

#include "lucid/base/error.h"
#include "lucid/distill/score_table.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

/// The file's beginning, where both safetensors and torch files name their tensors.
std::string beginning(const fs::path& file, size_t at_most) {
  std::ifstream in(file, std::ios::binary);
  std::string text(at_most, '\0');
  in.read(text.data(), static_cast<std::streamsize>(at_most));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

bool holds(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

[[noreturn]] void refuse(const std::string& key, const std::string& what, const std::string& hint) {
  throw UserError({.what_happened = what, .key = key, .hint = hint});
}

}  // namespace

bool is_multi_view(const fs::path& prior) {
  constexpr size_t kConfig = 1 << 16, kNames = 1 << 24;
  std::error_code none;
  if (fs::is_directory(prior, none)) return holds(beginning(prior / "unet/config.json", kConfig), "\"camera_dim\"");
  return fs::is_regular_file(prior, none) && holds(beginning(prior, kNames), "diffusion_model.camera_embed.");
}

void refuse_multi_view(const fs::path& prior, const std::string& command) {
  if (!is_multi_view(prior)) return;
  throw UserError(
      {.what_happened = fmt::format("draws {} views at once; {} wants one picture at a time", kJointViews, command),
       .file = prior.string(),
       .hint = "name a Stable Diffusion"});
}

fs::path main_prior(const RunOptions& options) {
  if (has_two_priors(options)) return options.refine_prior;
  return options.model_key.empty() ? embedded_prior() : fs::path(options.model_key);
}

std::unique_ptr<BoundOptions> multi_view_options(const config::OptionTable& table) {
  auto first = std::make_unique<BoundOptions>();
  for (const config::Option& option : table.options()) {
    if (option.source != "default") first->table.set(option.name, config::value_text(option), option.source);
  }
  apply_multi_view(first->table, first->options.model_key, first->options.preset, first->options.multi_view_config);
  return first;
}

void check_joint_steps(const train::TrainOptions& options) {
  const auto whole_groups = [](const char* key, int64_t views) {
    if (views % kJointViews == 0) return;
    refuse(key, fmt::format("{} is not a multiple of {}, the views that the prior draws at once", views, kJointViews),
           fmt::format("{} or {}", kJointViews, 2 * kJointViews));
  };
  whole_groups("C_batch_size", options.batch);
  if (options.refine.iter > 0) whole_groups("refine_views", options.refine.views);
  const distill::ScoreInfo* score = distill::find_score(options.score.score);
  if (score != nullptr && score->needs_source)
    refuse("score", fmt::format("{} edits an asset that exists", score->name), "ism, sds or recon");
  const char* const has_cameras = "a multi-view prior reads the cameras themselves";
  if (options.score.perpneg) refuse("perpneg", "needs prompts with view words", has_cameras);
  if (options.score.view_guidance > 0) refuse("view_guidance", "needs prompts with view words", has_cameras);
  if (options.augment.flip_ratio > 0) refuse("flip_ratio", "mirrored pictures contradict their cameras", "set it to 0");
}

void check_multi_view(const RunOptions& options) {
  const bool joint = is_multi_view(options.model_key);
  if (has_two_priors(options) && !joint) {
    refuse("refine_prior", "comes after a multi-view prior (MVDream), and --prior names none",
           "--prior mvdream.pt --refine-prior sd-2-1-base");
  }
  if (has_two_priors(options) && is_multi_view(options.refine_prior)) {
    refuse("refine_prior", "is a multi-view prior itself", "name a Stable Diffusion, or leave it out");
  }
  std::error_code none;
  if (has_two_priors(options) && !fs::exists(options.refine_prior, none)) {
    refuse("refine_prior", fmt::format("'{}' is not on this machine; lucid downloads nothing", options.refine_prior),
           "name a Stable Diffusion 1.x or 2.x folder in diffusers layout, or one file");
  }
  if (!joint) return;
  if (!options.edit.asset.empty()) refuse_multi_view(options.model_key, "lucid edit");
  if (!options.avatar.body.empty()) refuse_multi_view(options.model_key, "lucid avatar");
  if (!has_two_priors(options) && !options.controlnet.empty()) refuse_multi_view(options.model_key, "a ControlNet");
  if (!has_two_priors(options)) check_joint_steps(options.train);
}

}  // namespace lucid::app
