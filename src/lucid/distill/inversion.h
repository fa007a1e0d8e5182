// SPDX-License-Identifier: Apache-2.0
// The DDIM inversion that ISM and its relatives share: from the latents x_0 to x_s in strides, and one stride more to
// x_t.
#pragma once

#include <vector>

#include "lucid/distill/guidance.h"

namespace lucid::distill {

struct Inversion {
  StepTimes times;
  int64_t s = 0, t = 0;                 // timesteps
  torch::Tensor x_start, x_s, eps_s;    // [B,C,h,w]; eps_s the raw prediction e(x_s, s, 0)
  torch::Tensor x_t;                    // [B,C,h,w]
  std::vector<torch::Tensor> traj_eps;  // raw predictions at each visited timestep but t
};

/// Inverts input.latents with the inverse prompt. Noise enters once, at the start, and with xs_eta > 0 in each stride.
Inversion invert(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
                 const ScoreInput& input, NoiseSource& noise);

/// The raw prediction for the inverse prompt. With denoise_guidance_scale g > 1 it is guided towards the negative
/// prompt: inverse + g (negative - inverse).
torch::Tensor inverse_prediction(const ScoreOptions& options, diffusion::Denoiser& unet,
                                 const diffusion::Schedule& schedule, const ScoreInput& input, const torch::Tensor& x,
                                 int64_t t);

}  // namespace lucid::distill
