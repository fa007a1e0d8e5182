// SPDX-License-Identifier: Apache-2.0
// Rows of the option table: cameras, training, densification, widening of the cameras' ranges.
#include "lucid/app/run_options/option_rows.h"

namespace lucid::app {

using config::OptionTable;
using config::PairField;

namespace {

/// Our own, and the reference's one that needs another network.
std::vector<std::string> start_names() {
  std::vector<std::string> names(gaussians::kStartNames.begin(), gaussians::kStartNames.end());
  names.emplace_back(kPointE);
  return names;
}

}  // namespace

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
       .help = "Distance of the cameras of test views and videos; also the extent of the scene.",
       .range = kDistance,
       .field = &v.default_radius});
  add({.name = "default_polar",
       .group = "Cameras",
       .help = "Polar angle of the cameras of test views and videos, in degrees.",
       .range = kPolar,
       .field = &v.default_polar});
  add({.name = "default_azimuth",
       .group = "Cameras",
       .help = "Azimuth of the first test view, in degrees.",
       .range = kAzimuth,
       .field = &v.default_azimuth});
  add({.name = "default_fovy",
       .group = "Cameras",
       .help = "Vertical field of view of test views and videos, in radians.",
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
  add({.name = "more_steps",
       .group = "Training",
       .help =
           "Steps after those of `iterations`, at the learning rates of the end; with --resume, for a finished run.",
       .range = kCount,
       .affects_result = false,  // no step before them depends on it
       .field = &t.more_steps});
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
       .help = "Write a video of the training.",
       .affects_result = false,
       .field = &o.train.save_process});
  add({.name = "pro_frames_num",
       .flag = "process-frames",
       .group = "Result",
       .help = "Frames of the video of the training.",
       .range = {1, 100000},
       .affects_result = false,
       .field = &o.train.pro_frames_num});
}

}  // namespace lucid::app
