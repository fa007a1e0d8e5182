// SPDX-License-Identifier: Apache-2.0
// Everything that one training run is told; each module's own options sit beside its code. Keys are the reference's.
#pragma once

#include <cstdint>
#include <string>

#include "lucid/camera/sampler.h"
#include "lucid/distill/options.h"
#include "lucid/gaussians/start_options.h"
#include "lucid/optim/options.h"

namespace lucid::train {

/// What changes from render to render in training, besides the camera.
struct AugmentOptions {
  double bg_aug_ratio = 0.5;      // else white; of the augmented: half random colour, half black
  double scale_aug_ratio = 1.0;   // scales * (1 + sqrt(0.2)/4 * normal)
  double sh_deg_aug_ratio = 0.1;  // SH degree 0 only
  double shs_aug_ratio = 0.0;     // SH noise
  double flip_ratio = 0.5;        // ours: probability of the batch's mirror image (0.5 in the reference)
};

struct LossOptions {
  double lambda_tv = 1.0;
  double lambda_scale = 1.0;
  double lambda_alpha = 0.0;  // ours: mean alpha (1 - alpha), against haze
  bool clamp_rgb = false;     // ours: the score is shown colours between 0 and 1, as the files and films will be
  double as_latent_ratio = 0.2;
  int64_t geo_iter = 0;
};

struct TrainOptions {
  uint64_t seed = 0;
  int64_t iterations = 5000, batch = 1;
  int sh_degree = 0;
  bool use_progressive = false;
  gaussians::StartOptions start;
  ViewOptions views;
  AugmentOptions augment;
  LossOptions loss;
  distill::ScoreOptions score;
  optim::LearningRates rates;
  optim::DensifyOptions densify;
  // what is written while training
  int64_t vis_interval = 100, checkpoint_interval = 500;
  bool save_process = true, save_video = true;
  int64_t pro_frames_num = 600, turntable_frames = 120;
  int64_t output_size = 0;  // test views and films, pixels; 0 = as trained
};

}  // namespace lucid::train
