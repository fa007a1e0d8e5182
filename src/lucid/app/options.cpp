// SPDX-License-Identifier: Apache-2.0
// The table. Names, groups and defaults are the reference's; what is ours says so.
#include "lucid/app/options.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "lucid/asset/video.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/base/sha256.h"
#include "lucid/render/rasterize.h"
#include "lucid/tensor/device.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPointE = "pointe";

using config::Option;
using config::OptionTable;
using config::PairField;

constexpr double kHuge = 1e9;

PairField pair(Range& range) { return {&range.low, &range.high}; }

/// Adds options to one YAML group.
auto adder(OptionTable& table, const char* group) {
  return [&table, group](Option option) {
    option.group = group;
    table.add(std::move(option));
  };
}

void add_run(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "");
  add({"preset",
       "",
       "settings to begin with: the prior's own presets/, else configs/presets/",
       &o.preset,
       0,
       0,
       {"draft", "default", "fine"}});
  add({"seed", "", "every random draw follows from it", &o.seed, 0, 9e15});
  add({"device", "", "where everything is computed; cuda = the first GPU", &o.device, 0, 0, {"cpu", "cuda"}});
  add({"precision",
       "",
       "numbers of the prior's networks; auto = bf16 where the processor multiplies them",
       &o.precision,
       0,
       0,
       {"auto", "fp32", "bf16"}});
  add({"threads", "", "CPU threads; 0 = all cores", &o.threads, 0, 1024});
  add({"output", "", "folder that holds all workspaces", &o.output});
  add({"resume", "", "go on from the workspace's newest checkpoint", &o.resume});
  add({"overwrite", "", "replace a finished workspace of the same name", &o.overwrite});
  add({"progress", "", "how progress is shown", &o.progress, 0, 0, {"auto", "bar", "plain", "json", "off"}});
  add({"save_video", "", "write turntable films at the end", &o.train.save_video});
}

void add_guidance(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "GuidanceParams");
  auto& s = o.train.score;
  add({"text", "", "the prompt", &o.text});
  add({"negative", "", "negative prompt", &o.negative});
  add({"inverse_text", "", "prompt of the DDIM inversion", &o.inverse_text});
  add({"model_key",
       "",
       "prior: a Stable Diffusion 1.x/2.x folder in diffusers layout, or one .safetensors or .ckpt file (also "
       "--prior); "
       "empty = the embedded one",
       &o.model_key,
       0,
       0,
       {},
       true});
  add({"prior_config", "",
       "folder in diffusers layout whose configs and tokenizer a single-file prior is read with; empty = Stable "
       "Diffusion's",
       &o.prior_config});
  add({"LoRA_path",
       "",
       "LoRA files of the prior, FILE or FILE:SCALE, several with commas between (also --lora)",
       &o.lora_path,
       0,
       0,
       {},
       true});
  add({"textual_inversion_path",
       "",
       "textual inversions of the prior, FILE or WORD=FILE, several with commas between (also --textual_inversion)",
       &o.textual_inversion_path,
       0,
       0,
       {},
       true});
  add({"controlnet_model_key",
       "",
       "depth ControlNet, a diffusers folder or one file, that is shown each render's own disparity (also "
       "--controlnet); "
       "empty = "
       "none",
       &o.controlnet,
       0,
       0,
       {},
       true});
  add({"controlnet_scale", "", "how much the ControlNet counts (ours)", &o.controlnet_scale, 0, 100});
  add({"controlnet_mesh",
       "",
       "OBJ file, y up and front +z, whose disparity the ControlNet is shown in place of each render's own; it is "
       "fitted "
       "into the sphere of radius 1 (ours)",
       &o.controlnet_mesh,
       0,
       0,
       {},
       true});
  add({"vram_O", "",
       "save memory: the encoder's pass is computed again for its gradient, one picture at a time, and on a CPU large "
       "bfloat16 weights are laid out anew for each use (also --low-memory)",
       &o.low_memory});
  add({"prediction_type",
       "",
       "what the prior's U-Net predicts; auto = as its files say, or by a probe",
       &o.prediction_type,
       0,
       0,
       {"auto", "epsilon", "v_prediction"}});
  add({"score", "", "the score that is distilled (ours; `sds: true` selects sds too)", &s.score, 0, 0,
       distill::score_names()});
  add({"sds", "", "score distillation sampling in place of ISM", &o.sds});
  add({"guidance_scale", "", "classifier-free guidance of the prompt", &s.guidance_scale, -1000, 1000});
  add({"denoise_guidance_scale", "", "reverse guidance of the inversion; <= 1 is none", &s.denoise_guidance_scale,
       -1000, 1000});
  add({"apg_eta", "",
       "share kept of what guidance adds along the prompt's own picture (ours); 1 = all, 0 = projected guidance",
       &s.apg_eta, -1000, 1000});
  add({"lambda_guidance", "", "weight of the score", &s.lambda_guidance, 0, kHuge});
  add({"t_range", "", "timesteps after the warm-up, as fractions", PairField{&s.t_range_low, &s.t_range_high}, 0, 1});
  add({"max_t_range", "", "upper end of the timesteps before the warm-up", &s.max_t_range, 0, 1});
  add({"delta_t", "", "interval of ISM after the warm-up, timesteps", &s.delta_t, 1, 999});
  add({"delta_t_start", "", "interval of ISM at the start", &s.delta_t_start, 1, 999});
  add({"annealing_intervals", "", "let the interval fall during the warm-up", &s.annealing_intervals});
  add({"xs_delta_t", "", "stride of the inversion; null = the interval", &s.xs_delta_t, 0, 1000, {}, true});
  add({"xs_inv_steps", "", "strides of the inversion; null = as many as needed", &s.xs_inv_steps, 0, 1000, {}, true});
  add({"xs_eta", "", "noise of the inversion's strides", &s.xs_eta, 0, 1});
  add({"perpneg", "", "Perp-Neg against many-faced objects", &s.perpneg});
  add({"negative_w", "", "Perp-Neg: weight of the other views", &s.perpneg_options.negative_w, -100, 100});
  add({"front_decay_factor", "", "Perp-Neg: decay of the front's weight", &s.perpneg_options.front_decay_factor, 0,
       1000});
  add({"side_decay_factor", "", "Perp-Neg: decay of the side's weight", &s.perpneg_options.side_decay_factor, 0, 1000});
  add({"view_guidance", "", "guidance from the opposite view's prompt to the view's own (ours); 0 = none",
       &s.view_guidance, 0, 1000});
  add({"view_guidance_t_low", "", "its lowest timestep, as a fraction (ours)", &s.view_guidance_t_low, 0, 1});
  add({"view_guidance_until_iter", "", "its last step, 0 = the run's (ours)", &s.view_guidance_until_iter, 0, kHuge});
  add({"C_batch_size", "", "views a step", &o.train.batch, 1, 64});
  add({"vis_interval", "", "steps between contact sheets; 0 = none", &o.train.vis_interval, 0, kHuge});
}

void add_model(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "ModelParams");
  auto& a = o.train.augment;
  add({"workspace", "", "name of the run's folder; empty = from the prompt", &o.workspace});
  add({"sh_degree", "", "spherical harmonics of the colours", &o.train.start.sh_degree, 0, 3});
  add({"pretrained_model_path", "", "start from this Gaussian PLY", &o.pretrained_model_path, 0, 0, {}, true});
  add({"bg_aug_ratio", "", "probability of a ground other than white", &a.bg_aug_ratio, 0, 1});
  add({"scale_aug_ratio", "", "probability of noise on the scales", &a.scale_aug_ratio, 0, 1});
  add({"sh_deg_aug_ratio", "", "probability of rendering with SH degree 0", &a.sh_deg_aug_ratio, 0, 1});
  add({"shs_aug_ratio", "", "probability of noise on the SH", &a.shs_aug_ratio, 0, 1});
  add({"flip_ratio", "", "probability of mirroring the batch (ours; 0.5 in the reference)", &a.flip_ratio, 0, 1});
  add({"checkpoint_interval", "", "steps between checkpoints (ours); 0 = only when stopped and at the end",
       &o.train.checkpoint_interval, 0, kHuge});
  add({"output_size", "", "pixels of test views and films (ours); 0 = as trained", &o.train.output_size, 0, 4096});
  add({"turntable_frames", "", "frames of a turntable film (ours)", &o.train.turntable_frames, 1, 10000});
}

/// Ours, and the reference's one that needs another network.
std::vector<std::string> start_names() {
  std::vector<std::string> names = gaussians::start_names();
  names.emplace_back(kPointE);
  return names;
}

void add_cameras(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "GenerateCamParams");
  auto& v = o.train.views;
  add({"init_shape", "", "starting points", &o.train.start.kind, 0, 0, start_names()});
  add({"init_num_pts", "", "number of starting points", &o.train.start.count, 1, 5e6});
  add({"init_radius", "", "radius of the starting sphere (ours; 0.5 in the reference)", &o.train.start.radius, 1e-3,
       100});
  add({"image_w", "", "picture width, pixels", &v.width, 8, 4096});
  add({"image_h", "", "picture height, pixels", &v.height, 8, 4096});
  add({"radius_range", "", "camera distance", pair(v.radius), 1e-3, 1000});
  add({"max_radius_range", "", "limits of its widening", pair(v.max_radius), 1e-3, 1000});
  add({"theta_range", "", "polar angle from +z, degrees", pair(v.theta), 0, 180});
  add({"max_theta_range", "", "limits of its widening", pair(v.max_theta), 0, 180});
  add({"phi_range", "", "azimuth, degrees, 0 = front", pair(v.phi), -360, 360});
  add({"max_phi_range", "", "limits of its widening", pair(v.max_phi), -360, 360});
  add({"fovy_range", "", "field of view, radians", pair(v.fovy), 0.01, 3});
  add({"max_fovy_range", "", "limits of its widening", pair(v.max_fovy), 0.01, 3});
  add({"rand_cam_gamma", "", "> 1 gathers the views at the middle of the ranges", &v.rand_cam_gamma, 0.01, 100});
  add({"jitter_pose", "", "shake the cameras", &v.jitter_pose});
  add({"jitter_center", "", "by how much: position", &v.jitter_center, 0, 10});
  add({"jitter_target", "", "by how much: target", &v.jitter_target, 0, 10});
  add({"jitter_up", "", "by how much: up vector", &v.jitter_up, 0, 10});
  add({"stratify_azimuth", "", "spread a batch's azimuths evenly (ours)", &v.stratify_azimuth});
  add({"default_radius", "", "camera distance of test views; also the scene's extent", &v.default_radius, 1e-3, 1000});
  add({"default_polar", "", "polar angle of test views, degrees", &v.default_polar, 0, 180});
  add({"default_azimuth", "", "azimuth of the first test view, degrees", &v.default_azimuth, -360, 360});
  add({"default_fovy", "", "field of view of test views, radians", &v.default_fovy, 0.01, 3});
}

void add_optimization(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "OptimizationParams");
  auto& t = o.train;
  add({"iterations", "", "steps of training", &t.iterations, 1, kHuge});
  add({"warmup_iter", "", "steps over which the timesteps' range and the interval fall", &t.score.warmup_iter, 1,
       kHuge});
  add({"position_lr_init", "", "learning rate of positions, times default_radius", &t.rates.position_lr_init, 0, 100});
  add({"position_lr_final", "", "at the end", &t.rates.position_lr_final, 1e-12, 100});
  add({"feature_lr", "", "of colours", &t.rates.feature_lr, 0, 100});
  add({"feature_lr_final", "", "at the end", &t.rates.feature_lr_final, 1e-12, 100});
  add({"opacity_lr", "", "of opacities (logits)", &t.rates.opacity_lr, 0, 100});
  add({"scaling_lr", "", "of scales (logs)", &t.rates.scaling_lr, 0, 100});
  add({"scaling_lr_final", "", "at the end", &t.rates.scaling_lr_final, 1e-12, 100});
  add({"rotation_lr", "", "of rotations", &t.rates.rotation_lr, 0, 100});
  add({"rotation_lr_final", "", "at the end", &t.rates.rotation_lr_final, 1e-12, 100});
  add({"geo_iter", "", "steps at the start that supervise geometry only", &t.loss.geo_iter, 0, kHuge});
  add({"as_latent_ratio", "", "probability of encoding disparity in place of colour", &t.loss.as_latent_ratio, 0, 1});
  add({"lambda_tv", "", "weight of total variation", &t.loss.lambda_tv, 0, kHuge});
  add({"lambda_scale", "", "weight of the mean scale", &t.loss.lambda_scale, 0, kHuge});
  add({"clamp_rgb", "", "show the score colours between 0 and 1 alone, as pictures hold (ours)", &t.loss.clamp_rgb});
  add({"lambda_alpha", "", "weight of mean alpha (1 - alpha), against haze (ours)", &t.loss.lambda_alpha, 0, kHuge});
  add({"densification_interval", "", "steps between densifications", &t.densify.densification_interval, 1, kHuge});
  add({"densify_from_iter", "", "densification begins after this step", &t.densify.densify_from_iter, 0, kHuge});
  add({"densify_until_iter", "", "densification ends before this step", &t.densify.densify_until_iter, 0, kHuge});
  add({"densify_grad_threshold", "", "screen gradient above which Gaussians multiply",
       &t.densify.densify_grad_threshold, 0, kHuge});
  add({"percent_dense", "", "clone below, split above this share of the extent", &t.densify.percent_dense, 0, 1});
  add({"opacity_reset_interval", "", "steps between opacity resets", &t.densify.opacity_reset_interval, 1, kHuge});
  add({"min_opacity", "", "prune below (ours as an option)", &t.densify.min_opacity, 0, 1});
  add({"prune_big_screen", "", "prune Gaussians of more than 20 px (ours; never acts in the reference)",
       &t.densify.prune_big_screen});
  add({"max_gaussians", "", "no growth beyond (ours); 0 = no limit", &t.densify.max_gaussians, 0, kHuge});
  add({"use_progressive", "", "widen the camera ranges as training goes on", &t.use_progressive});
  add({"progressive_view_iter", "", "first widening", &t.views.progressive_view_iter, 0, kHuge});
  add({"scale_up_cameras_iter", "", "steps between widenings", &t.views.scale_up_cameras_iter, 1, kHuge});
  add({"scale_up_factor", "", "of the radius", &t.views.radius_scale, 0.01, 100});
  add({"fovy_scale_up_factor", "", "of the field of view", PairField{&t.views.fovy_scale_low, &t.views.fovy_scale_high},
       0.01, 100});
  add({"phi_scale_up_factor", "", "of the azimuth's range", &t.views.phi_scale, 0.01, 100});
  add({"theta_scale_up_factor", "", "of the polar angle's range (ours; 1.5 in the reference)", &t.views.theta_scale,
       0.01, 100});
  add({"save_process", "", "write a film of the training", &t.save_process});
  add({"pro_frames_num", "", "frames of that film", &t.pro_frames_num, 1, 100000});
}

void add_foreign(OptionTable& table) {
  for (const char* key : {"port"}) table.add_foreign({key, "", ""});
  for (const char* key : {"convert_SHs_python", "compute_cov3D_python", "debug"})
    table.add_foreign({key, "PipelineParams", ""});
  for (const char* key : {"batch", "data_device", "eval", "opt_path", "images", "resolution", "source_path",
                          "model_path", "white_background"}) {
    table.add_foreign({key, "ModelParams", ""});
  }
  // Read by nothing in the reference, or about how it saves memory; the result does not depend on them.
  for (const char* key : {"guidance", "g_device", "ddim_inv", "scheduler_type", "noise_seed", "fp16", "accum", "hf_key",
                          "base_model_key", "is_safe_tensor", "controlnet_ratio", "num_train_timesteps"}) {
    table.add_foreign({key, "GuidanceParams", ""});
  }
  table.add_foreign({"fix_noise", "GuidanceParams", "one fixed noise is not supported yet"});
  for (const char* key : {"init_prompt", "use_pointe_rgb", "angle_overhead", "angle_front", "render_45",
                          "uniform_sphere_rate", "SSAA", "device"}) {
    table.add_foreign({key, "GenerateCamParams", ""});
  }
  for (const char* key : {"position_lr_delay_mult", "position_lr_max_steps", "resnet_lr", "resnet_lr_init",
                          "resnet_lr_final", "lambda_bin", "lambda_sat", "lambda_radius", "use_control_net_iter",
                          "pro_render_45", "progressive_view_init_ratio"}) {
    table.add_foreign({key, "OptimizationParams", ""});
  }
}

}  // namespace

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
  if (cut) name += "_" + sha256_of_bytes(text).substr(0, kDigits);  // long prompts often begin alike
  return name.empty() ? "asset" : name;
}

OptionTable make_table(RunOptions& options) {
  OptionTable table;
  add_run(table, options);
  add_guidance(table, options);
  add_model(table, options);
  add_cameras(table, options);
  add_optimization(table, options);
  add_foreign(table);
  return table;
}

fs::path data_folder() {
  if (const char* folder = std::getenv("LUCID_DATA"); folder != nullptr && *folder != '\0') return folder;
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none);
  const fs::path beside = program.parent_path() / ".." / "share" / "lucid";
  if (fs::exists(beside / "models", none)) return fs::canonical(beside, none);
  return LUCID_SOURCE_DATA;
}

void apply_preset(OptionTable& table, const fs::path& prior, const std::string& preset) {
  std::error_code none;
  fs::path folder = prior / "presets";
  if (!fs::exists(folder / (preset + ".yaml"), none)) folder = data_folder() / "configs" / "presets";
  if (fs::exists(folder / "common.yaml", none)) table.set_from_yaml(folder / "common.yaml", "preset");
  table.set_from_yaml(folder / (preset + ".yaml"), "preset " + preset);
}

torch::Device device_of(const RunOptions& options) {
  const torch::Device device = tensor::device_from_name(options.device);
  if (device.is_cuda() && !render::cuda_available()) {
    throw UserError({.what_happened = "this build has no CUDA rasteriser, or the GPU is too old for it",
                     .key = "--device",
                     .hint = "build with nvcc and -DLUCID_CUDA=ON, or use --device cpu"});
  }
  return device;
}

nn::ComputeOptions compute_options(const RunOptions& options) {
  const bool cpu = options.device == "cpu";
  const bool low = options.precision == "bf16" || (options.precision == "auto" && (!cpu || has_fast_bfloat16()));
  return {.precision = low ? torch::kBFloat16 : torch::kFloat,
          .workers = cpu ? at::get_num_threads() : 1,
          .low_memory = options.low_memory};
}

nn::WeightTypes weight_types(const RunOptions& options) {
  const bool cpu = options.device == "cpu";
  return {compute_options(options).precision.value_or(torch::kFloat), /*half_too=*/cpu};
}

void finish_options(RunOptions& options) {
  auto& t = options.train;
  if (options.text.empty()) {
    throw UserError({.what_happened = "there is no prompt", .key = "text", .hint = "lucid generate \"a hamburger\""});
  }
  device_of(options);
  if ((t.save_video || t.save_process) && !asset::can_write_videos()) {
    spdlog::warn("this build writes no films (LUCID_VIDEO=OFF)");
    t.save_video = t.save_process = false;
  }
  if (t.start.kind == kPointE) {
    spdlog::warn("init_shape: there is no Point-E in lucid; the points start as a sphere, not as a rough object");
    t.start.kind = "sphere";
  }
  if (options.sds) t.score.score = "sds";
  if (options.workspace.empty()) options.workspace = name_from_prompt(options.text);
  if (options.workspace.find('/') != std::string::npos || options.workspace == "." || options.workspace == "..") {
    throw UserError(
        {.what_happened = "must be a plain folder name", .key = "workspace", .hint = "--output chooses where it lies"});
  }
  if (t.score.t_range_low >= t.score.t_range_high || t.score.max_t_range < t.score.t_range_high) {
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
  // What follows from other options.
  t.seed = static_cast<uint64_t>(options.seed);
  t.sh_degree = t.start.sh_degree;
  t.rates.iterations = t.iterations;
  t.rates.spatial_lr_scale = t.views.default_radius;
  t.densify.extent = t.views.default_radius;
  t.start.scene_radius = t.views.radius.high;
}

}  // namespace lucid::app
