// SPDX-License-Identifier: Apache-2.0
// Rows of the option table: the run, prompt and prior, guidance, the model. Keys, YAML groups and defaults are the
// reference system's where it has them.
#include "lucid/app/run_options/option_rows.h"

#include "lucid/distill/score_table.h"

namespace lucid::app {

using config::OptionTable;
using config::PairField;

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
       .help = "Where to compute; cuda is the first GPU, cuda:1 the second. `lucid info` lists them.",
       .choices = {"cpu", "cuda", "cuda:N"},
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
  add({.name = "finish",
       .group = "Result",
       .help = "With --resume: write the results as they are at the checkpoint, without further steps.",
       .affects_result = false,
       .field = &o.finish});
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
       .help = "Write turntable videos at the end.",
       .affects_result = false,
       .field = &o.train.save_video});
  add({.name = "watch",
       .group = "Result",
       .help = "Show the run in a page on this machine while it is made; the address is printed.",
       .affects_result = false,
       .common = true,
       .field = &o.watch});
  add({.name = "live",
       .group = "Result",
       .help = "Keep this file up to date with the Gaussians of the newest step, up to four times a second, while "
               "FILE.watched exists, for a viewer in another process.",
       .value_name = "FILE",
       .affects_result = false,
       .field = &o.live});
  add({.name = "export",
       .group = "Result",
       .help = "Formats to write the result in as well, as `lucid export` names them: glb,spz.",
       .value_name = "NAMES",
       .affects_result = false,
       .common = true,
       .field = &o.export_formats});
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
  add({.name = "prompt_suffix",
       .group = "Prompt",
       .help = "Words after the prompt; \", 3d asset\" asks MVDream for the look of its 3D models.",
       .value_name = "TEXT",
       .field = &o.prompt_suffix});
  add({.name = "inverse_text",
       .group = "Prompt",
       .help = "Prompt of the DDIM inversion.",
       .value_name = "TEXT",
       .field = &o.inverse_text});
  add({.name = "model_key",
       .flag = "prior",
       .group = "Prior",
       .help = "Text-to-image model: a Stable Diffusion 1.x or 2.x or MVDream, a folder in diffusers layout or one "
               "file. Empty is the embedded prior.",
       .value_name = "PATH",
       .nullable = true,
       .affects_result = false,  // the hashes of its weights are compared instead
       .common = true,
       .field = &o.model_key});
  add({.name = "refine_prior",
       .group = "Prior",
       .help = "Stable Diffusion for the second part of a run whose first part a multi-view prior makes (--prior).",
       .value_name = "PATH",
       .nullable = true,
       .affects_result = false,  // as model_key
       .common = true,
       .field = &o.refine_prior});
  add({.name = "multi_view_share",
       .group = "Prior",
       .help = "With --refine-prior: share of the steps that the multi-view prior makes.",
       .range = kShare,
       .field = &o.multi_view_share});
  add({.name = "multi_view_config",
       .group = "Prior",
       .help = "YAML file of options of the multi-view prior's steps, over those of configs/presets/multi_view.yaml.",
       .value_name = "FILE",
       .affects_result = false,  // what it sets does
       .field = &o.multi_view_config});
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
  add({.name = "fp16",
       .group = "Training",
       .help = "Off is the same as --precision fp32, where precision is auto.",
       .field = &o.fp16});
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
       .help =
           "Score that is distilled: interval score matching (ism) or another that `lucid info scores` explains; dds, "
           "pds, delta-ism and ip2p are for `lucid edit`.",
       .value_name = "NAME",
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
  add({.name = "min_t_range",
       .group = "Guidance",
       .help = "Lower end of the timesteps at the start of the warm-up, as a fraction; 0 is t_range's.",
       .range = kShare,
       .field = &s.min_t_range});
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
  add({.name = "noise_seed",
       .group = "Guidance",
       .help = "Seed of the noise and the timesteps; -1 is the seed of the run. The reference system's files set 0.",
       .range = {-1, 9e15},
       .field = &s.noise_seed});
  add({.name = "fix_noise",
       .group = "Guidance",
       .help = "Use the same noise in every step; without effect with perpneg, as in the reference system.",
       .field = &s.fix_noise});
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
  add({.name = "tsm_gamma",
       .group = "Guidance",
       .help = "TSM: 1 is ISM; towards 0 the timestep of the target moves up to that of the prompt.",
       .range = kShare,
       .field = &s.tsm_gamma});
  add({.name = "sdi_steps",
       .group = "Guidance",
       .help = "SDI: strides of its inversion over all timesteps.",
       .range = {1, 1000},
       .field = &s.sdi_steps});
  add({.name = "sdi_guidance",
       .group = "Guidance",
       .help = "SDI: guidance scale of its inversion.",
       .range = kGuidance,
       .field = &s.sdi_guidance});
  add({.name = "sdi_eta",
       .group = "Guidance",
       .help = "SDI: amount of noise that each stride of its inversion adds.",
       .range = {0, 10},
       .field = &s.sdi_eta});
  add({.name = "csd_negative",
       .group = "Guidance",
       .help = "CSD: share of the negative prompt in its reference at the end; the rest is the inverse prompt.",
       .range = {-10, 10},
       .field = &s.csd_negative});
  add({.name = "csd_steps",
       .group = "Guidance",
       .help = "CSD: steps until its reference has that share; 0 is warmup_iter.",
       .range = kCount,
       .field = &s.csd_steps});
  add({.name = "asd_shift",
       .group = "Guidance",
       .help = "ASD: largest shift of its target's timestep, as a share of the timestep.",
       .range = kShare,
       .field = &s.asd_shift});
  add({.name = "asd_random_shift",
       .group = "Guidance",
       .help = "ASD: take a random share of that shift, and not all of it.",
       .field = &s.asd_random_shift});
  add({.name = "recon_rescale",
       .group = "Guidance",
       .help = "Of recon: how far the deviation of its predictions moves to that without guidance.",
       .range = kShare,
       .field = &s.recon_rescale});
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
       .help = "Width and height of test views and videos, in pixels; 0 is the size of the training pictures.",
       .range = {0, 4096},
       .affects_result = false,
       .field = &o.train.output_size});
  add({.name = "turntable_frames",
       .group = "Result",
       .help = "Frames of each turntable video.",
       .range = {1, 10000},
       .affects_result = false,
       .field = &o.train.turntable_frames});
}

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
  add_smoothing(table, options);
  add_refining(table, options);
  add_editing(table, options);
  add_avatar(table, options);
  add_keeping(table, options);
  add_foreign(table);
  return table;
}

}  // namespace lucid::app
