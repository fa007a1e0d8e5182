// SPDX-License-Identifier: Apache-2.0
// What every score does alike: ask the U-Net about one x with several prompts at once, guide, weigh, fill the sheet.
#pragma once

#include <vector>

#include "lucid/distill/distiller.h"

namespace lucid::distill {

/// One U-Net call for several prompts on the same x [B,C,h,w]: n of them, each [B or 1,K+2], rows of weights for
/// `prompts` -> raw outputs [n,B,C,h,w], float32. t past the end of training (index T-1 with an offset) is
/// prompt_weights as T-1.
torch::Tensor predict_each(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const torch::Tensor& x,
                           int64_t t, const text_to_image::ViewPrompts& prompts,
                           const std::vector<torch::Tensor>& prompt_weights);

/// noise = base + 0.1 offset: one offset value per channel, shared by all views and pixels. [B,C,h,w]
torch::Tensor draw_noise(const NoiseSource& noise, const torch::Tensor& like);

/// Classifier-free guidance on x_t, with Perp-Neg and guidance away from the opposite view where the options ask.
struct Guided {
  torch::Tensor eps;     // [K+1,B,C,h,w] raw outputs: negative, view prompt z, Perp-Neg's extra prompts, opposite view
  torch::Tensor delta;   // [B,C,h,w] z - negative, or its Perp-Neg aggregate; + view_guidance (z - opposite view)
  torch::Tensor guided;  // [B,C,h,w] negative + guidance_scale * delta, projected where apg_eta asks
};
Guided guide(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
             const ScoreInput& input, const torch::Tensor& x_t, int64_t t);

/// omega(t) = sqrt((1 - a_t) / a_t).
double omega(const diffusion::Schedule& schedule, int64_t t);

/// dL/dlatents = nan_to_num(lambda * omega(t) * difference), not divided by the batch; fills `d_latents`.
void set_gradient(ScoreOutput& output, const ScoreOptions& options, double weight, const torch::Tensor& difference);

/// The contact sheet's one-step x_0: the prediction at x_t read as if it had been made at x_s and s (as the reference
/// does).
void fill_contact_sheet(ScoreOutput& output, const ScoreOptions& options, const diffusion::Schedule& schedule,
                        const Guided& guided, const torch::Tensor& x_s, int64_t s);

std::unique_ptr<Distiller> make_ism(const ScoreOptions& options);  // ism.cpp
std::unique_ptr<Distiller> make_sds(const ScoreOptions& options);  // sds.cpp

}  // namespace lucid::distill
