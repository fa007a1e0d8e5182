// SPDX-License-Identifier: Apache-2.0
// Options of a training run. Names are those of the reference system; the options of other modules are declared beside
// their code.
#pragma once

#include <cstdint>
#include <string>

#include "lucid/camera/sampler.h"
#include "lucid/distill/options.h"
#include "lucid/gaussians/start_options.h"
#include "lucid/optim/options.h"

namespace lucid::train {

/// Augmentation of the training renders. Each value is the probability of one augmentation.
struct AugmentOptions {
  double bg_aug_ratio = 0.5;      // background random or black (half each) instead of white
  double scale_aug_ratio = 1.0;   // scales multiplied by 1 + sqrt(0.2)/4 * normal
  double sh_deg_aug_ratio = 0.1;  // only SH degree 0 is evaluated
  double shs_aug_ratio = 0.0;     // sqrt(0.2)/4 * normal added to the SH coefficients
  double flip_ratio = 0.5;        // batch mirrored left to right; a constant 0.5 in the reference
};

/// Weights of the loss terms besides the score, and the image that the score sees.
struct LossOptions {
  double lambda_tv = 1.0;        // total variation of colours and disparity
  double lambda_scale = 1.0;     // mean scale of the Gaussians
  double lambda_alpha = 0.0;     // mean alpha (1 - alpha), against haze; not in the reference
  bool clamp_rgb = false;        // clamp colours to [0, 1] before the score, as image files do; not in the reference
  double as_latent_ratio = 0.2;  // probability that the score sees the disparity instead of colours
  double clip_rgb = 0;           // largest gradient of a colour: a pixel's three are scaled down together; 0 = none
  double clip_depth = 0;         // largest gradient of a depth: all of a view's are scaled down together; 0 = none
  int64_t geo_iter = 0;          // iterations below this always use the disparity
};

/// The refining stage after the score's steps (train/refine.h). Not in the reference.
struct RefineOptions {
  int64_t iter = 0;  // rounds; 0 = no such stage
  int64_t views = 16, denoise_steps = 6, fit_steps = 60;
  double t_first = 0.8, t_last = 0.2;  // noise level of the first and of the last round, as a share of all timesteps
  double guidance = 5;
  double ssim = 0.2;      // weight of 1 - SSIM; that of the mean absolute difference is one minus this
  double rate = 4;        // factor of the learning rates at the end of the score's steps
  double colour = 0;      // share of the start's broad colours in the pictures, where the scene has such a start
  int64_t fine = 0;       // the last so many rounds fit to enlarged pictures, where the scene has an upscaler
  double background = 0;  // share of the fit's steps on a background of a random colour, for pictures on white
};

struct TrainOptions {
  uint64_t seed = 0;
  int64_t iterations = 5000, batch = 1;
  int64_t more_steps = 0;  // after `iterations`, at the learning rates of the end
  RefineOptions refine;
  /// A round of the refining stage counts as one step. more_steps come after the first such stage, and are followed by
  /// another.
  int64_t all_steps() const { return iterations + refine.iter + (more_steps > 0 ? more_steps + refine.iter : 0); }
  /// The number, from 0, of the refining round that is the `step`-th step (from 1); -1 for a step of the score.
  int64_t refining_round(int64_t step) const;
  int sh_degree = 0;
  bool use_progressive = true;
  gaussians::StartOptions start;
  ViewOptions views;
  AugmentOptions augment;
  LossOptions loss;
  distill::ScoreOptions score;
  optim::LearningRates rates;
  optim::DensifyOptions densify;
  double filter_3d = 0;     // variance of the 3D smoothing filter, square pixels of the training views; 0 = none
  bool mip_filter = false;  // the screen filter of Mip-Splatting (render::Filter::kMip) in place of kDilated
  bool clean_air = false;   // the result is without haze and floaters (mesh/clean_air.h); checkpoints hold all
  // Outputs. Intervals are in iterations, 0 = never.
  int64_t vis_interval = 100, checkpoint_interval = 500;
  double checkpoint_minutes = 10;  // longest time between two checkpoints; 0 = no limit
  int64_t keep_checkpoints = 2;    // the newest so many
  bool save_process = true, save_video = true;
  bool pro_render_45 = false;  // the second half of the process video is seen from above
  int64_t pro_frames_num = 600, turntable_frames = 120;
  int64_t output_size = 0;  // side of test views and videos, pixels; 0 = the size of the training views
};

}  // namespace lucid::train
