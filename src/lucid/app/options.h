// SPDX-License-Identifier: Apache-2.0
// Every option of a run, bound into the one table; presets; what the reference's YAML may hold and lucid does not use.
#pragma once

#include <filesystem>
#include <string>

#include "lucid/config/option_table.h"
#include "lucid/nn/compute_policy.h"
#include "lucid/nn/weight_types.h"
#include "lucid/train/options.h"

namespace lucid::app {

struct RunOptions {
  train::TrainOptions train;
  std::string text, negative, inverse_text;
  std::string model_key;     // --prior: a diffusers folder or a checkpoint; empty = the embedded prior
  std::string prior_config;  // a diffusers folder whose configs and tokenizer a checkpoint is read with
  std::string prediction_type = "auto";
  std::string controlnet;  // a depth ControlNet: a diffusers folder or one file; empty = none
  double controlnet_scale = 1;
  std::string controlnet_mesh;                    // an OBJ that it is shown in place of the renders; empty = none
  std::string lora_path, textual_inversion_path;  // FILE:SCALE,... and WORD=FILE,...
  std::string preset = "default";                 // draft, default, fine
  std::string output = "output",
              workspace;              // files go to output/workspace; an empty workspace is named after the prompt
  std::string pretrained_model_path;  // start from this PLY
  std::string device = "cpu", precision = "auto", progress = "auto";
  int64_t seed = 0, threads = 0;  // 0 = all cores
  bool resume = false, sds = false, overwrite = false, low_memory = false;
};

/// Binds `options` (which must outlive the table).
config::OptionTable make_table(RunOptions& options);

/// Where the program's own data lies (models/, configs/): LUCID_DATA, beside the program, or the source tree it was
/// built from.
std::filesystem::path data_folder();

/// "A blue teapot!" -> "a_blue_teapot"; a name that had to be cut ends in a digest of the whole text.
std::string name_from_prompt(const std::string& text);

/// Sets a preset for a prior: common.yaml, then NAME.yaml, both from the prior's own presets/ folder, or from
/// configs/presets/ if the prior has no preset of that name.
void apply_preset(config::OptionTable& table, const std::filesystem::path& prior, const std::string& preset);

/// Throws UserError where the device cannot be used: no libtorch with CUDA, no rasteriser for it, no GPU.
torch::Device device_of(const RunOptions& options);

/// How the prior's networks are computed: `precision`, and on a CPU one worker for each of libtorch's threads.
nn::ComputeOptions compute_options(const RunOptions& options);
/// And what the weights of their files become: float16 ones stay so on a CPU that computes in float32.
nn::WeightTypes weight_types(const RunOptions& options);

/// Checks that span several options; fills what follows from others. Throws UserError.
void finish_options(RunOptions& options);

}  // namespace lucid::app
