// SPDX-License-Identifier: Apache-2.0
// Rows of the option table: the smoothing filters and the refining stage. None is in the reference system.
#include "lucid/app/run_options/option_rows.h"

namespace lucid::app {

using config::OptionTable;
using config::PairField;

void add_smoothing(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "OptimizationParams");
  add({.name = "filter_3d",
       .group = "Gaussians",
       .help = "Variance of the 3D smoothing filter of Mip-Splatting, in square pixels of the training pictures; 0.2 "
               "there, 0 is none.",
       .range = {0, 100},
       .field = &o.train.filter_3d});
  add({.name = "mip_filter",
       .group = "Gaussians",
       .help = "Keep the weight of thin Gaussians when they are widened to a pixel (Mip-Splatting's 2D filter).",
       .field = &o.train.mip_filter});
}

void add_refining(OptionTable& table, RunOptions& o) {
  const auto add = adder(table, "OptimizationParams");
  auto& r = o.train.refine;
  add({.name = "refine_iter",
       .group = "Refining",
       .help = "Rounds of refining after the steps: the prior denoises views, and the Gaussians are fitted to them.",
       .range = {0, 1000},
       .field = &r.iter});
  add({.name = "refine_views",
       .group = "Refining",
       .help = "Views of a round.",
       .range = {1, 1000},
       .field = &r.views});
  add({.name = "refine_t_range",
       .group = "Refining",
       .help = "Noise level of the last and of the first round, as shares of the training timesteps.",
       .range = kShare,
       .field = PairField{&r.t_last, &r.t_first}});
  add({.name = "refine_denoise_steps",
       .group = "Refining",
       .help = "DDIM steps that denoise a view.",
       .range = {1, 1000},
       .field = &r.denoise_steps});
  add({.name = "refine_guidance",
       .group = "Refining",
       .help = "Guidance scale of these steps.",
       .range = kGuidance,
       .field = &r.guidance});
  add({.name = "refine_fit_steps",
       .group = "Refining",
       .help = "Steps of a round that fit the Gaussians to the denoised views.",
       .range = kPositive,
       .field = &r.fit_steps});
  add({.name = "refine_rate",
       .group = "Refining",
       .help = "Factor of the learning rates at the end of the steps.",
       .range = kWeight,
       .field = &r.rate});
  add({.name = "refine_ssim",
       .group = "Refining",
       .help = "Weight of 1 - SSIM in the fit; that of the mean absolute difference is one minus this.",
       .range = kShare,
       .field = &r.ssim});
  add({.name = "refine_colour",
       .group = "Refining",
       .help =
           "Share of the broad colours of a learned start in the denoised views, where the prompt names a colour; 0 "
           "leaves colours to the prior.",
       .range = kShare,
       .field = &r.colour});
  add({.name = "refine_fine",
       .group = "Refining",
       .help = "Last rounds that fit to views enlarged by the embedded upscaler; 0 is none.",
       .range = {0, 1000},
       .field = &r.fine});
  add({.name = "refine_background",
       .group = "Refining",
       .help =
           "Share of the fit's steps on a background of a random colour, for a prior whose pictures are on white; it "
           "keeps white parts opaque and the air clear.",
       .range = kShare,
       .field = &r.background});
}

}  // namespace lucid::app
