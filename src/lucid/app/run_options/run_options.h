// SPDX-License-Identifier: Apache-2.0
// Every option of `lucid generate`, the one table that binds them, and the presets. No libtorch.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>

#include "lucid/avatar/options.h"
#include "lucid/config/option_table.h"
#include "lucid/edit/options.h"
#include "lucid/train/options.h"

namespace lucid::app {

struct RunOptions {
  train::TrainOptions train;
  edit::EditOptions edit;        // with an asset in it the run is an edit
  avatar::AvatarOptions avatar;  // with a body in it the run makes an avatar, and avatar.yaml lies over the preset
  std::string text, negative, inverse_text, prompt_suffix;
  std::string model_key;     // --prior: a diffusers folder or a checkpoint; empty = the embedded prior
  std::string refine_prior;  // Stable Diffusion for the steps after those of a multi-view prior; empty = none
  double multi_view_share = 0.4;
  std::string multi_view_config;  // YAML over the multi-view prior's preset; empty = none
  std::string prior_config;       // a diffusers folder whose configs and tokenizer a checkpoint is read with
  std::string prediction_type = "auto";
  std::string controlnet;  // a depth ControlNet: a diffusers folder or one file; empty = none
  double controlnet_scale = 1;
  std::string controlnet_mesh;                    // an OBJ that it is shown in place of the renders; empty = none
  std::string lora_path, textual_inversion_path;  // FILE:SCALE,... and WORD=FILE,...
  std::string preset = "default";                 // draft, default, fine
  std::string output = "output";
  std::string live;                   // file of the newest frame for a live viewer; empty = none
  std::string export_formats;         // names in asset::kFormats, separated by commas
  std::string workspace;              // files go to output/workspace; empty = named after the prompt
  std::string pretrained_model_path;  // start from this PLY
  std::string pointe, init_prompt;    // folder of Point-E's weights, and its prompt (empty = `text`)
  std::string device = "cpu", precision = "auto", progress = "auto";
  std::string memory;  // most memory of the process, or of the card: "3G"; empty = no limit, or what is free
  // What the memory allows (memory/memory_limit.h), no options of the command line.
  int64_t pictures_at_once = 0;   // that worker threads compute side by side; 0 = one a thread
  int64_t rows_at_once = 0;       // of the U-Net's batch; 0 = all
  int64_t seed = 0, threads = 0;  // 0 = all cores
  bool resume = false, finish = false, watch = false, sds = false, overwrite = false, low_memory = false;
  bool use_pointe_rgb = false, fp16 = true;
};

inline constexpr const char* kPointE = "pointe";  // init_shape of the reference that needs another network

/// Binds `options` (which must outlive the table).
config::OptionTable make_table(RunOptions& options);

/// Options with their own table.
struct BoundOptions {
  RunOptions options;
  config::OptionTable table = make_table(options);
  BoundOptions() = default;
  BoundOptions(const BoundOptions&) = delete;  // the table points into `options`
  BoundOptions& operator=(const BoundOptions&) = delete;
};

/// Whether an option is about one process and not about the asset: prompt, folders, progress, resume and the like. A
/// program that starts `lucid generate` for its own rows or runs sets these itself.
bool is_of_process(const std::string& option_name);

/// Where the program's own data lies (models/, configs/): LUCID_DATA, share/lucid beside the program, or the source
/// tree it was built from.
std::filesystem::path data_folder();
std::filesystem::path embedded_prior();   // data_folder()/models/mini
std::filesystem::path upscaler_folder();  // data_folder()/models/upscale
/// Whether rounds of refining enlarge their pictures.
bool uses_upscaler(const RunOptions& options);

/// "A blue teapot!" -> "a_blue_teapot"; a name that had to be cut ends in a digest of the whole text.
std::string name_from_prompt(const std::string& text);

/// Sets a preset for a prior: common.yaml, then NAME.yaml, both from the prior's own presets/ folder, or from
/// configs/presets/ if the prior has no preset of that name; for SDXL from configs/presets/sdxl, if it is there; for a
/// multi-view prior then apply_multi_view(), unless the preset is its own and it has no presets/multi_view/.
void apply_preset(config::OptionTable& table, const std::filesystem::path& prior, const std::string& preset);

/// Sets what the steps of a multi-view prior want: common.yaml, then PRESET.yaml of the prior's presets/multi_view/
/// folder, or configs/presets/multi_view.yaml if it has none; then `file` (empty = none).
void apply_multi_view(config::OptionTable& table, const std::filesystem::path& prior, const std::string& preset,
                      const std::string& file = "");

/// Sets what suits a start ("learned"), where neither a file nor a flag set it: common.yaml, then PRESET.yaml of the
/// prior's presets/START/ folder, each if it is there; for a multi-view prior then of presets/multi_view/START/.
void apply_start_preset(config::OptionTable& table, const std::filesystem::path& prior, const std::string& preset,
                        const std::string& start);

/// The options by which apply_given() chooses a preset.
constexpr std::array<const char*, 8> kPresetChoosers = {"model_key", "preset", "asset",        "change",
                                                        "score",     "body",   "refine_prior", "multi_view_config"};

/// Sets the preset ("edit", "edit_shape" or "edit_ip2p" where there is an asset to edit), then the YAML file (empty =
/// none), then `given`: values by option name. A YAML file that names its own model starts from the reference's
/// defaults, as there.
void apply_given(config::OptionTable& table, const std::string& config_file,
                 const std::map<std::string, std::string>& given);

/// "depth" or "openpose": what the ControlNet of an avatar is shown, as --control or its file's name says. Throws
/// UserError if neither says it, or both differ.
std::string control_kind(const RunOptions& options);

/// Throws UserError where options contradict each other, or there is no prompt.
void check_options(const RunOptions& options);

}  // namespace lucid::app
