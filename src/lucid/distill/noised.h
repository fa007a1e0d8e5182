// SPDX-License-Identifier: Apache-2.0
// What scores without inversion share: x_t = sqrt(a_t) x_0 + sqrt(1-a_t) eps with fresh noise, and the guided
// prediction there.
#pragma once

#include "lucid/distill/guidance.h"

namespace lucid::distill {

/// The latents at timestep t with fresh noise, and what the U-Net says of them.
struct Noised {
  int64_t t = 0;           // timestep
  torch::Tensor eps, x_t;  // [B,C,h,w] the noise; the noisy latents
  Guided guided;
};
Noised predict_noised(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
                      const ScoreInput& input, NoiseSource& noise);

/// The raw prediction for the inverse prompt, which is the empty one by default, at x_t. [B,C,h,w]
torch::Tensor predict_empty(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const ScoreInput& input,
                            const torch::Tensor& x_t, int64_t t);

/// The weight 1 - a_t of CSD, NFSD and ASD.
double noise_variance(const diffusion::Schedule& schedule, int64_t t);

/// Fills times; and, as `distiller` wants them, contact sheet and trace.
void report(ScoreOutput& output, const Distiller& distiller, const ScoreOptions& options,
            const diffusion::Schedule& schedule, const Noised& noised);

}  // namespace lucid::distill
