// SPDX-License-Identifier: Apache-2.0
// The rows of the option table. Keys, YAML groups and defaults are the reference system's where it has them.
#include <initializer_list>

#include "lucid/app/run_options/run_options.h"

namespace lucid::app {
namespace {

using config::NumberRange;
using config::Option;
using config::OptionTable;
using config::PairField;

constexpr double kMostSteps = 1e9;
constexpr NumberRange kCount{0, kMostSteps}, kPositive{1, kMostSteps}, kShare{0, 1}, kWeight{0, 1e9};
constexpr NumberRange kGuidance{-1000, 1000}, kDistance{1e-3, 1000}, kPolar{0, 180}, kAzimuth{-360, 360};
constexpr NumberRange kRadians{0.01, 3}, kPixels{8, 4096}, kFactor{0.01, 100};
constexpr NumberRange kRate{0, 100}, kFinalRate{1e-12, 100};  // a rate that others decay to is not 0

PairField pair(Range& range) { return {&range.low, &range.high}; }

/// Adds rows to one YAML group.
auto adder(OptionTable& table, const char* yaml_group) {
  return [&table, yaml_group](Option option) {
    option.yaml_group = yaml_group;
    table.add(std::move(option));
  };
}

void add_run(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "");
  add({.name = "preset",
       .group = "Training",
       .help = "Settings to start from: the prior's own preset, or one for Stable Diffusion.",
       .choices = {"draft", "default", "fine"},
       .affects_result = false,  // what it sets does
       .common = true,
       .field = &o.preset});
  add({.name = "seed",
       .group = "Training",
       .help = "Seed of every random draw. The same seed, options and weights give the same asset.",
       .range = {0, 9e15},
       .common = true,
       .field = &o.seed});
  add({.name = "device",
       .group = "Training",
       .help = "Where to compute; cuda is the first GPU.",
       .choices = {"cpu", "cuda"},
       .common = true,
       .field = &o.device});
  add({.name = "precision",
       .group = "Training",
       .help = "Number type of the prior's networks; auto is bf16 on a GPU and on CPUs that multiply it, else fp32.",
       .choices = {"auto", "fp32", "bf16"},
       .field = &o.precision});
  add({.name = "threads",
       .group = "Training",
       .help = "CPU threads; 0 uses all cores.",
       .range = {0, 1024},
       .affects_result = false,
       .field = &o.threads});
  add({.name = "output",
       .group = "Result",
       .help = "Folder in which the run's folder is made.",
       .value_name = "DIR",
       .affects_result = false,
       .common = true,
       .field = &o.output});
  add({.name = "resume",
       .group = "Result",
       .help = "Continue from the newest checkpoint in the run's folder.",
       .affects_result = false,
       .common = true,
       .field = &o.resume});
  add({.name = "overwrite",
       .group = "Result",
       .help = "Replace a finished run in the same folder.",
       .affects_result = false,
       .common = true,
       .field = &o.overwrite});
  add({.name = "progress",
       .group = "Training",
       .help = "How to show progress; auto is a bar on a terminal and plain lines elsewhere.",
       .choices = {"auto", "bar", "plain", "json", "off"},
       .affects_result = false,
       .field = &o.progress});
  add({.name = "save_video",
       .group = "Result",
       .help = "Write turntable films at the end.",
       .affects_result = false,
       .field = &o.train.save_video});
}

void add_prior(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "GuidanceParams");
  add({.name = "text",
       .aliases = {"prompt"},
       .group = "Prompt",
       .help = "The prompt, the same as TEXT.",
       .value_name = "TEXT",
       .field = &o.text});
  add({.name = "negative",
       .group = "Prompt",
       .help = "Negative prompt: what the asset must not look like.",
       .value_name = "TEXT",
       .common = true,
       .field = &o.negative});
  add({.name = "inverse_text",
       .group = "Prompt",
       .help = "Prompt of the DDIM inversion.",
       .value_name = "TEXT",
       .field = &o.inverse_text});
  add({.name = "model_key",
       .flag = "prior",
       .group = "Prior",
       .help = "Text-to-image model: a Stable Diffusion 1.x or 2.x folder in diffusers layout, or a .safetensors or "
               ".ckpt file. Empty is the embedded prior.",
       .value_name = "PATH",
       .nullable = true,
       .affects_result = false,  // the hashes of its weights are compared instead
       .common = true,
       .field = &o.model_key});
  add({.name = "prior_config",
       .group = "Prior",
       .help = "Diffusers folder with the configs and tokenizer of a single-file prior. Empty is Stable Diffusion's.",
       .value_name = "DIR",
       .field = &o.prior_config});
  add({.name = "LoRA_path",
       .flag = "lora",
       .group = "Prior",
       .help = "LoRA files to apply to the prior: FILE or FILE:SCALE, separated by commas.",
       .value_name = "FILE",
       .nullable = true,
       .common = true,
       .field = &o.lora_path});
  add({.name = "textual_inversion_path",
       .flag = "textual-inversion",
       .aliases = {"textual_inversion"},
       .group = "Prior",
       .help = "Textual inversions to add to the prior: FILE or WORD=FILE, separated by commas.",
       .value_name = "FILE",
       .nullable = true,
       .field = &o.textual_inversion_path});
  add({.name = "controlnet_model_key",
       .flag = "controlnet",
       .group = "Prior",
       .help = "Depth ControlNet, a diffusers folder or a file; its input is the disparity of each render.",
       .value_name = "PATH",
       .nullable = true,
       .field = &o.controlnet});
  add({.name = "controlnet_scale",
       .group = "Prior",
       .help = "Weight of the ControlNet's output.",
       .range = {0, 100},
       .field = &o.controlnet_scale});
  add({.name = "controlnet_mesh",
       .group = "Prior",
       .help =
           "OBJ mesh (y up, front +z) whose disparity the ControlNet gets in place of the render's. It is scaled to "
           "fit a sphere of radius 1.",
       .value_name = "FILE",
       .nullable = true,
       .field = &o.controlnet_mesh});
  add({.name = "vram_O",
       .flag = "low-memory",
       .group = "Training",
       .help = "Use less memory and more time: encode one picture at a time, and recompute activations in the backward "
               "pass.",
       .affects_result = false,
       .field = &o.low_memory});
  add({.name = "prediction_type",
       .group = "Prior",
       .help = "What the U-Net predicts; auto reads it from the prior's files, or finds it by a test.",
       .choices = {"auto", "epsilon", "v_prediction"},
       .field = &o.prediction_type});
}

void add_guidance(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "GuidanceParams");
  auto& s = o.train.score;
  auto& perpneg = s.perpneg_options;
  add({.name = "score",
       .group = "Guidance",
       .help = "Loss that is distilled: interval score matching (ism) or score distillation sampling (sds).",
       .choices = {distill::kScoreNames.begin(), distill::kScoreNames.end()},
       .field = &s.score});
  add({.name = "sds", .group = "Guidance", .help = "The same as --score sds.", .field = &o.sds});
  add({.name = "guidance_scale",
       .group = "Guidance",
       .help = "Classifier-free guidance scale; larger follows the prompt more closely.",
       .range = kGuidance,
       .common = true,
       .field = &s.guidance_scale});
  add({.name = "denoise_guidance_scale",
       .group = "Guidance",
       .help = "Guidance scale of the DDIM inversion; 1 or less is none.",
       .range = kGuidance,
       .field = &s.denoise_guidance_scale});
  add({.name = "apg_eta",
       .group = "Guidance",
       .help = "Share of guidance to keep along the predicted picture: 1 is classifier-free guidance, 0 is adaptive "
               "projected guidance.",
       .range = kGuidance,
       .field = &s.apg_eta});
  add({.name = "lambda_guidance",
       .group = "Guidance",
       .help = "Weight of the distilled score in the loss.",
       .range = kWeight,
       .field = &s.lambda_guidance});
  add({.name = "t_range",
       .group = "Guidance",
       .help = "Range of timesteps after the warm-up, as fractions of all.",
       .range = kShare,
       .field = PairField{&s.t_range_low, &s.t_range_high}});
  add({.name = "max_t_range",
       .group = "Guidance",
       .help = "Upper end of the timesteps at the start of the warm-up, as a fraction.",
       .range = kShare,
       .field = &s.max_t_range});
  add({.name = "delta_t",
       .group = "Guidance",
       .help = "Interval of ISM after the warm-up, in timesteps.",
       .range = {1, 999},
       .field = &s.delta_t});
  add({.name = "delta_t_start",
       .group = "Guidance",
       .help = "Interval of ISM at the start of the warm-up, in timesteps.",
       .range = {1, 999},
       .field = &s.delta_t_start});
  add({.name = "annealing_intervals",
       .group = "Guidance",
       .help = "Move the interval from delta_t_start to delta_t during the warm-up.",
       .field = &s.annealing_intervals});
  add({.name = "xs_delta_t",
       .group = "Guidance",
       .help = "Stride of the DDIM inversion, in timesteps; 0 is the interval of ISM.",
       .range = {0, 1000},
       .nullable = true,
       .field = &s.xs_delta_t});
  add({.name = "xs_inv_steps",
       .group = "Guidance",
       .help = "Most strides of the DDIM inversion; 0 is as many as it needs.",
       .range = {0, 1000},
       .nullable = true,
       .field = &s.xs_inv_steps});
  add({.name = "xs_eta",
       .group = "Guidance",
       .help = "Amount of noise that each stride of the inversion adds.",
       .range = kShare,
       .field = &s.xs_eta});
  add({.name = "perpneg",
       .group = "Guidance",
       .help = "Use Perp-Neg, which keeps objects from having several fronts.",
       .field = &s.perpneg});
  add({.name = "negative_w",
       .group = "Guidance",
       .help = "Perp-Neg: weight of the prompts of the other views.",
       .range = {-100, 100},
       .field = &perpneg.negative_w});
  add({.name = "front_decay_factor",
       .group = "Guidance",
       .help = "Perp-Neg: decay of the front view's weight.",
       .range = {0, 1000},
       .field = &perpneg.front_decay_factor});
  add({.name = "side_decay_factor",
       .group = "Guidance",
       .help = "Perp-Neg: decay of the side view's weight.",
       .range = {0, 1000},
       .field = &perpneg.side_decay_factor});
  add({.name = "view_guidance",
       .group = "Guidance",
       .help = "Guidance scale from the opposite view's prompt to the view's own; 0 is none.",
       .range = {0, 1000},
       .field = &s.view_guidance});
  add({.name = "view_guidance_t_low",
       .group = "Guidance",
       .help = "Lowest timestep of view guidance, as a fraction.",
       .range = kShare,
       .field = &s.view_guidance_t_low});
  add({.name = "view_guidance_until_iter",
       .group = "Guidance",
       .help = "Last step with view guidance; 0 is the last step of the run.",
       .range = kCount,
       .field = &s.view_guidance_until_iter});
  add({.name = "C_batch_size",
       .flag = "batch-size",
       .group = "Training",
       .help = "Views in each step.",
       .range = {1, 64},
       .field = &o.train.batch});
  add({.name = "vis_interval",
       .group = "Result",
       .help = "Steps between contact sheets of the training; 0 writes none.",
       .range = kCount,
       .field = &o.train.vis_interval});
}

void add_model(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "ModelParams");
  auto& a = o.train.augment;
  add({.name = "workspace",
       .group = "Result",
       .help = "Name of the run's folder. Empty makes one from the prompt.",
       .value_name = "NAME",
       .affects_result = false,
       .common = true,
       .field = &o.workspace});
  add({.name = "sh_degree",
       .group = "Gaussians",
       .help = "Degree of the spherical harmonics of the colours; 0 looks the same from all sides.",
       .range = {0, 3},
       .field = &o.train.start.sh_degree});
  add({.name = "pretrained_model_path",
       .group = "Gaussians",
       .help = "Gaussian PLY to start from, in place of random points.",
       .value_name = "FILE",
       .nullable = true,
       .field = &o.pretrained_model_path});
  add({.name = "bg_aug_ratio",
       .group = "Augmentation",
       .help = "Probability of a background that is not white: half of these are black, half of a random colour.",
       .range = kShare,
       .field = &a.bg_aug_ratio});
  add({.name = "scale_aug_ratio",
       .group = "Augmentation",
       .help = "Probability of noise on the scales of the Gaussians.",
       .range = kShare,
       .field = &a.scale_aug_ratio});
  add({.name = "sh_deg_aug_ratio",
       .group = "Augmentation",
       .help = "Probability of a render with spherical harmonics of degree 0 only.",
       .range = kShare,
       .field = &a.sh_deg_aug_ratio});
  add({.name = "shs_aug_ratio",
       .group = "Augmentation",
       .help = "Probability of noise on the spherical harmonics.",
       .range = kShare,
       .field = &a.shs_aug_ratio});
  add({.name = "flip_ratio",
       .group = "Augmentation",
       .help = "Probability of mirroring all pictures of a step; 0.5 in the reference system.",
       .range = kShare,
       .field = &a.flip_ratio});
  add({.name = "checkpoint_interval",
       .group = "Result",
       .help = "Steps between checkpoints; 0 writes one only at the end or when the run is stopped.",
       .range = kCount,
       .affects_result = false,
       .field = &o.train.checkpoint_interval});
  add({.name = "output_size",
       .group = "Result",
       .help = "Width and height of test views and films, in pixels; 0 is the size of the training pictures.",
       .range = {0, 4096},
       .affects_result = false,
       .field = &o.train.output_size});
  add({.name = "turntable_frames",
       .group = "Result",
       .help = "Frames of each turntable film.",
       .range = {1, 10000},
       .affects_result = false,
       .field = &o.train.turntable_frames});
}

/// Our own, and the reference's one that needs another network.
std::vector<std::string> start_names() {
  std::vector<std::string> names(gaussians::kStartNames.begin(), gaussians::kStartNames.end());
  names.emplace_back(kPointE);
  return names;
}

void add_cameras(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "GenerateCamParams");
  auto& v = o.train.views;
  auto& start = o.train.start;
  add({.name = "init_shape",
       .group = "Gaussians",
       .help = "Shape of the random points that the Gaussians start from; pointe starts from a sphere here.",
       .choices = start_names(),
       .field = &start.kind});
  add({.name = "init_num_pts",
       .group = "Gaussians",
       .help = "Number of Gaussians at the start.",
       .range = {1, 5e6},
       .field = &start.count});
  add({.name = "init_radius",
       .group = "Gaussians",
       .help = "Radius of the sphere of starting points; 0.5 in the reference system.",
       .range = {1e-3, 100},
       .field = &start.radius});
  add({.name = "image_w",
       .group = "Cameras",
       .help = "Width of the training pictures, in pixels.",
       .range = kPixels,
       .common = true,
       .field = &v.width});
  add({.name = "image_h",
       .group = "Cameras",
       .help = "Height of the training pictures, in pixels.",
       .range = kPixels,
       .common = true,
       .field = &v.height});
  add({.name = "radius_range",
       .group = "Cameras",
       .help = "Distance of the cameras from the origin.",
       .range = kDistance,
       .field = pair(v.radius)});
  add({.name = "max_radius_range",
       .group = "Cameras",
       .help = "Limits that radius_range may widen to.",
       .range = kDistance,
       .field = pair(v.max_radius)});
  add({.name = "theta_range",
       .group = "Cameras",
       .help = "Polar angle of the cameras in degrees: 0 is from above, 90 is level.",
       .range = kPolar,
       .field = pair(v.theta)});
  add({.name = "max_theta_range",
       .group = "Cameras",
       .help = "Limits that theta_range may widen to.",
       .range = kPolar,
       .field = pair(v.max_theta)});
  add({.name = "phi_range",
       .group = "Cameras",
       .help = "Azimuth of the cameras in degrees; 0 is the front.",
       .range = kAzimuth,
       .field = pair(v.phi)});
  add({.name = "max_phi_range",
       .group = "Cameras",
       .help = "Limits that phi_range may widen to.",
       .range = kAzimuth,
       .field = pair(v.max_phi)});
  add({.name = "fovy_range",
       .group = "Cameras",
       .help = "Vertical field of view, in radians.",
       .range = kRadians,
       .field = pair(v.fovy)});
  add({.name = "max_fovy_range",
       .group = "Cameras",
       .help = "Limits that fovy_range may widen to.",
       .range = kRadians,
       .field = pair(v.max_fovy)});
  add({.name = "rand_cam_gamma",
       .group = "Cameras",
       .help = "Exponent of the random cameras; above 1 they gather in the middle of the ranges.",
       .range = kFactor,
       .field = &v.rand_cam_gamma});
  add({.name = "jitter_pose",
       .group = "Cameras",
       .help = "Shift and turn each camera by a small random amount.",
       .field = &v.jitter_pose});
  add({.name = "jitter_center",
       .group = "Cameras",
       .help = "Size of the random shift of a camera's position.",
       .range = {0, 10},
       .field = &v.jitter_center});
  add({.name = "jitter_target",
       .group = "Cameras",
       .help = "Standard deviation of the point that a camera looks at.",
       .range = {0, 10},
       .field = &v.jitter_target});
  add({.name = "jitter_up",
       .group = "Cameras",
       .help = "Standard deviation of a camera's up vector.",
       .range = {0, 10},
       .field = &v.jitter_up});
  add({.name = "stratify_azimuth",
       .group = "Cameras",
       .help = "Spread the azimuths of a step's views evenly over the range.",
       .field = &v.stratify_azimuth});
  add({.name = "default_radius",
       .group = "Cameras",
       .help = "Distance of the cameras of test views and films; also the extent of the scene.",
       .range = kDistance,
       .field = &v.default_radius});
  add({.name = "default_polar",
       .group = "Cameras",
       .help = "Polar angle of the cameras of test views and films, in degrees.",
       .range = kPolar,
       .field = &v.default_polar});
  add({.name = "default_azimuth",
       .group = "Cameras",
       .help = "Azimuth of the first test view, in degrees.",
       .range = kAzimuth,
       .field = &v.default_azimuth});
  add({.name = "default_fovy",
       .group = "Cameras",
       .help = "Vertical field of view of test views and films, in radians.",
       .range = kRadians,
       .field = &v.default_fovy});
}

void add_training(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "OptimizationParams");
  auto& t = o.train;
  auto& rates = t.rates;
  add({.name = "iterations",
       .group = "Training",
       .help = "Steps of training.",
       .range = kPositive,
       .common = true,
       .field = &t.iterations});
  add({.name = "warmup_iter",
       .group = "Training",
       .help = "Steps of the warm-up, in which the range of timesteps and the interval of ISM shrink.",
       .range = kPositive,
       .field = &t.score.warmup_iter});
  add({.name = "position_lr_init",
       .group = "Training",
       .help = "Learning rate of positions at the start; default_radius multiplies it.",
       .range = kRate,
       .field = &rates.position_lr_init});
  add({.name = "position_lr_final",
       .group = "Training",
       .help = "Learning rate of positions at the end; default_radius multiplies it.",
       .range = kFinalRate,
       .field = &rates.position_lr_final});
  add({.name = "feature_lr",
       .group = "Training",
       .help = "Learning rate of colours at the start.",
       .range = kRate,
       .field = &rates.feature_lr});
  add({.name = "feature_lr_final",
       .group = "Training",
       .help = "Learning rate of colours at the end.",
       .range = kFinalRate,
       .field = &rates.feature_lr_final});
  add({.name = "opacity_lr",
       .group = "Training",
       .help = "Learning rate of opacities (as logits).",
       .range = kRate,
       .field = &rates.opacity_lr});
  add({.name = "scaling_lr",
       .group = "Training",
       .help = "Learning rate of scales (as logarithms) at the start.",
       .range = kRate,
       .field = &rates.scaling_lr});
  add({.name = "scaling_lr_final",
       .group = "Training",
       .help = "Learning rate of scales at the end.",
       .range = kFinalRate,
       .field = &rates.scaling_lr_final});
  add({.name = "rotation_lr",
       .group = "Training",
       .help = "Learning rate of rotations at the start.",
       .range = kRate,
       .field = &rates.rotation_lr});
  add({.name = "rotation_lr_final",
       .group = "Training",
       .help = "Learning rate of rotations at the end.",
       .range = kFinalRate,
       .field = &rates.rotation_lr_final});
  add({.name = "geo_iter",
       .group = "Training",
       .help = "Steps at the start in which the prior sees the disparity in place of the colours.",
       .range = kCount,
       .field = &t.loss.geo_iter});
  add({.name = "as_latent_ratio",
       .group = "Augmentation",
       .help = "Probability of a step that shows the prior the disparity in place of the colours.",
       .range = kShare,
       .field = &t.loss.as_latent_ratio});
  add({.name = "lambda_tv",
       .group = "Loss terms",
       .help = "Weight of the total variation of colours and disparity.",
       .range = kWeight,
       .field = &t.loss.lambda_tv});
  add({.name = "lambda_scale",
       .group = "Loss terms",
       .help = "Weight of the mean scale of the Gaussians.",
       .range = kWeight,
       .field = &t.loss.lambda_scale});
  add({.name = "clamp_rgb",
       .group = "Loss terms",
       .help = "Clamp the rendered colours to [0, 1] before the prior sees them.",
       .field = &t.loss.clamp_rgb});
  add({.name = "lambda_alpha",
       .group = "Loss terms",
       .help = "Weight of the mean of alpha (1 - alpha), which removes haze.",
       .range = kWeight,
       .field = &t.loss.lambda_alpha});
}

void add_densification(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "OptimizationParams");
  auto& d = o.train.densify;
  add({.name = "densification_interval",
       .group = "Gaussians",
       .help = "Steps between densifications, which add and remove Gaussians.",
       .range = kPositive,
       .field = &d.densification_interval});
  add({.name = "densify_from_iter",
       .group = "Gaussians",
       .help = "Densification starts after this step.",
       .range = kCount,
       .field = &d.densify_from_iter});
  add({.name = "densify_until_iter",
       .group = "Gaussians",
       .help = "Densification ends before this step.",
       .range = kCount,
       .field = &d.densify_until_iter});
  add({.name = "densify_grad_threshold",
       .group = "Gaussians",
       .help = "Gaussians with a mean screen-space gradient above this are cloned or split.",
       .range = kWeight,
       .field = &d.densify_grad_threshold});
  add({.name = "percent_dense",
       .group = "Gaussians",
       .help = "Scale, as a fraction of the scene's extent, above which a Gaussian is split and not cloned.",
       .range = kShare,
       .field = &d.percent_dense});
  add({.name = "opacity_reset_interval",
       .group = "Gaussians",
       .help = "Steps between resets of all opacities to 0.01 or less.",
       .range = kPositive,
       .field = &d.opacity_reset_interval});
  add({.name = "min_opacity",
       .group = "Gaussians",
       .help = "Gaussians with an opacity below this are removed.",
       .range = kShare,
       .field = &d.min_opacity});
  add({.name = "prune_big_screen",
       .group = "Gaussians",
       .help = "Remove Gaussians of more than 20 pixels on the screen; the reference system never does.",
       .field = &d.prune_big_screen});
  add({.name = "max_gaussians",
       .group = "Gaussians",
       .help = "Most Gaussians that densification may reach; 0 is no limit.",
       .range = kCount,
       .field = &d.max_gaussians});
}

void add_widening(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "OptimizationParams");
  auto& v = o.train.views;
  add({.name = "use_progressive",
       .group = "Cameras",
       .help = "Widen the camera ranges during the training.",
       .field = &o.train.use_progressive});
  add({.name = "progressive_view_iter",
       .group = "Cameras",
       .help = "Step from which the camera ranges widen.",
       .range = kCount,
       .field = &v.progressive_view_iter});
  add({.name = "scale_up_cameras_iter",
       .group = "Cameras",
       .help = "Steps between two widenings of the camera ranges.",
       .range = kPositive,
       .field = &v.scale_up_cameras_iter});
  add({.name = "scale_up_factor",
       .group = "Cameras",
       .help = "Factor of the camera distance at each widening.",
       .range = kFactor,
       .field = &v.radius_scale});
  add({.name = "fovy_scale_up_factor",
       .group = "Cameras",
       .help = "Factors of the two ends of fovy_range at each widening.",
       .range = kFactor,
       .field = PairField{&v.fovy_scale_low, &v.fovy_scale_high}});
  add({.name = "phi_scale_up_factor",
       .group = "Cameras",
       .help = "Factor of phi_range at each widening.",
       .range = kFactor,
       .field = &v.phi_scale});
  add({.name = "theta_scale_up_factor",
       .group = "Cameras",
       .help = "Factor of theta_range at each widening; 1.5 in the reference system.",
       .range = kFactor,
       .field = &v.theta_scale});
  add({.name = "save_process",
       .group = "Result",
       .help = "Write a film of the training.",
       .affects_result = false,
       .field = &o.train.save_process});
  add({.name = "pro_frames_num",
       .flag = "process-frames",
       .group = "Result",
       .help = "Frames of the film of the training.",
       .range = {1, 100000},
       .affects_result = false,
       .field = &o.train.pro_frames_num});
}

/// Keys of the reference that nothing here depends on: its own code does not read them, or they say how it saves
/// memory, or they belong to a part (Point-E, its viewer) that lucid does not have.
void add_foreign(OptionTable& table) {
  const auto ignore = [&table](const char* yaml_group, std::initializer_list<const char*> keys) {
    for (const char* key : keys) table.add_foreign({.name = key, .yaml_group = yaml_group, .refuse = ""});
  };
  ignore("", {"port"});
  ignore("PipelineParams", {"convert_SHs_python", "compute_cov3D_python", "debug"});
  ignore("ModelParams", {"batch", "data_device", "eval", "opt_path", "images", "resolution", "source_path",
                         "model_path", "white_background"});
  ignore("GuidanceParams", {"guidance", "g_device", "ddim_inv", "scheduler_type", "noise_seed", "fp16", "accum",
                            "hf_key", "base_model_key", "is_safe_tensor", "controlnet_ratio", "num_train_timesteps"});
  table.add_foreign(
      {.name = "fix_noise", .yaml_group = "GuidanceParams", .refuse = "one fixed noise is not supported yet"});
  ignore("GenerateCamParams", {"init_prompt", "use_pointe_rgb", "angle_overhead", "angle_front", "render_45",
                               "uniform_sphere_rate", "SSAA", "device"});
  ignore("OptimizationParams", {"position_lr_delay_mult", "position_lr_max_steps", "resnet_lr", "resnet_lr_init",
                                "resnet_lr_final", "lambda_bin", "lambda_sat", "lambda_radius", "use_control_net_iter",
                                "pro_render_45", "progressive_view_init_ratio"});
}

}  // namespace

config::OptionTable make_table(RunOptions& options) {
  OptionTable table;
  add_run(table, options);
  add_prior(table, options);
  add_guidance(table, options);
  add_model(table, options);
  add_cameras(table, options);
  add_training(table, options);
  add_densification(table, options);
  add_widening(table, options);
  add_foreign(table);
  return table;
}

}  // namespace lucid::app
