// SPDX-License-Identifier: Apache-2.0
// How large the three networks are and how fast each learns: the presets of `lucid prior train`.
#pragma once

#include <string>
#include <vector>

#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet_config.h"
#include "lucid/diffusion/vae_config.h"
#include "lucid/pretrain/optimiser/optimiser.h"
#include "lucid/text/encoder.h"
#include "lucid/text_to_image/view_anchors.h"

namespace lucid::pretrain {

struct StageSizes {
  int64_t steps = 0, batch = 0;
  /// Steps before the last one, ascending, at which the learning rate has come down as it does at the end: the weights
  /// can be used there. A run that was lengthened has one where it first ended.
  std::vector<int64_t> rests = {};
  OptimiserOptions optimiser = {};
  double ema_decay = 0.999;
};

struct Sizes {
  text::EncoderConfig text;  // vocab_size follows from the corpus
  diffusion::VaeConfig vae;  // scaling_factor is measured
  diffusion::UNetConfig unet;
  StageSizes text_stage, vae_stage, unet_stage;
  int64_t vae_crop = 64;  // pixels a side of the windows that most of the VAE's steps see
};

/// "default" or "tiny" (for tests). Throws UserError.
Sizes sizes_of(const std::string& preset);

/// The noise schedule of our priors: Stable Diffusion's, but with more noise at the end (beta_end 0.02 in place of
/// 0.012), so that the last timestep shows nothing of the picture.
diffusion::ScheduleConfig noise_schedule();

/// The view words of our priors: eight around at the horizon, eight from above. Positive azimuths are the object's
/// right.
text_to_image::ViewAnchors view_anchors();

}  // namespace lucid::pretrain
