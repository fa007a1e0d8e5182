// SPDX-License-Identifier: Apache-2.0
// The keys of the reference system's files that no option here stands for: what each does there, which of its values
// change nothing, and what lucid has in its place.
#include <initializer_list>

#include "lucid/app/run_options/option_rows.h"

namespace lucid::app {

using config::OptionTable;

namespace {

constexpr const char* kUnread = "The reference never reads it, so it changes nothing.";
constexpr const char* kDevice = "The reference replaces it by the top level's device, which `device` is here.";

/// Keys that change nothing at any value.
void add_without_effect(OptionTable& table) {
  const auto unread = [&table](const char* yaml_group, std::initializer_list<const char*> keys) {
    for (const char* key : keys) table.add_foreign({.name = key, .yaml_group = yaml_group, .about = kUnread});
  };
  unread("ModelParams", {"eval", "images", "model_path", "resolution", "source_path", "white_background"});
  unread("GuidanceParams", {"accum", "ddim_inv", "hf_key", "scheduler_type"});
  unread("GenerateCamParams", {"angle_front", "angle_overhead"});
  unread("OptimizationParams", {"lambda_bin", "lambda_radius", "lambda_sat", "position_lr_max_steps",
                                "progressive_view_init_ratio", "resnet_lr", "resnet_lr_final", "resnet_lr_init"});
  table.add_foreign(
      {.name = "position_lr_delay_mult",
       .yaml_group = "OptimizationParams",
       .about = "Factor of the learning rates during a delay, which the reference leaves at zero steps."});
  table.add_foreign({.name = "data_device", .yaml_group = "ModelParams", .about = kDevice});
  table.add_foreign({.name = "g_device", .yaml_group = "GuidanceParams", .about = kDevice});
  table.add_foreign({.name = "device", .yaml_group = "GenerateCamParams", .about = kDevice});
  table.add_foreign({.name = "port",
                     .yaml_group = "",
                     .about = "Port of the reference's own viewer; `lucid generate --watch` shows a run here."});
  table.add_foreign({.name = "opt_path",
                     .yaml_group = "ModelParams",
                     .about = "The reference replaces it by the file's own path; a run keeps effective_config.yaml."});
  table.add_foreign({.name = "is_safe_tensor",
                     .yaml_group = "GuidanceParams",
                     .about = "Whether model_key is one file; lucid sees that for itself."});
}

/// Keys with which a run would not be what the file asks for.
void add_refused(OptionTable& table) {
  table.add_foreign({.name = "guidance",
                     .yaml_group = "GuidanceParams",
                     .about = "Kind of prior; the reference as well has only SD.",
                     .same = {"SD"},
                     .refused = true});
  table.add_foreign(
      {.name = "num_train_timesteps",
       .yaml_group = "GuidanceParams",
       .about = "Number of timesteps; lucid uses all of the prior's. Scale t_range and delta_t in its place.",
       .same = {"null", "1000"},
       .refused = true});
  table.add_foreign({.name = "SSAA",
                     .yaml_group = "GenerateCamParams",
                     .about = "Size factor of the training pictures, with which the reference stops at the first step. "
                              "Set image_w and image_h in its place.",
                     .same = {"1"},
                     .refused = true});
}

/// Keys that are ignored with a note.
void add_noted(OptionTable& table) {
  const auto note = [&table](const char* yaml_group, const char* name, std::vector<std::string> same,
                             const char* about) {
    table.add_foreign({.name = name, .yaml_group = yaml_group, .about = about, .same = std::move(same)});
  };
  note("PipelineParams", "convert_SHs_python", {"false"},
       "Colours as a sigmoid of three numbers in place of spherical harmonics; nearest is sh_degree: 0.");
  note("PipelineParams", "compute_cov3D_python", {"false"},
       "Covariances computed in Python, with the same result; the rasteriser computes them here.");
  note("PipelineParams", "debug", {"false"},
       "Saves the rasteriser's inputs when it fails; here it checks its inputs and says what is wrong.");
  note("ModelParams", "batch", {"10"},
       "Cameras that are drawn at a time and share one field of view; here those of a step do (C_batch_size).");
  note("GuidanceParams", "base_model_key", {"null"},
       "Model whose scheduler a single file uses; nearest is prior_config, a folder. Nothing is downloaded.");
  note("GuidanceParams", "controlnet_ratio", {"0.5"},
       "Probability of a step with the ControlNet, with which the reference cannot run; nearest is controlnet_scale.");
  note("OptimizationParams", "use_control_net_iter", {"10000000"},
       "First step with the ControlNet, with which the reference cannot run; here it acts in every step.");
}

}  // namespace

void add_foreign(OptionTable& table) {
  add_without_effect(table);
  add_refused(table);
  add_noted(table);
}

}  // namespace lucid::app
