// SPDX-License-Identifier: Apache-2.0
// Steps that all scores share: U-Net predictions for several prompts, guidance, the weight omega(t), the contact sheet.
#pragma once

#include <vector>

#include "lucid/distill/distiller.h"

namespace lucid::distill {

/// Raw U-Net outputs [n,B,C,h,w], float32, of n prompts on the same x [B,C,h,w], or on an x of each [n,B,C,h,w], in one
/// batched call. prompt_weights: n tensors [B or 1,K+2], weights over the table of `prompts`. A t beyond the last
/// training timestep T-1 (index T-1 plus steps_offset) is replaced by T-1.
torch::Tensor predict_each(diffusion::Denoiser& unet, const diffusion::Schedule& schedule, const torch::Tensor& x,
                           int64_t t, const text_to_image::ViewPrompts& prompts,
                           const std::vector<torch::Tensor>& prompt_weights);

/// Offset noise: base + 0.1 offset, with one offset value per channel for all views and pixels. [B,C,h,w]
torch::Tensor draw_noise(const NoiseSource& noise, const torch::Tensor& like);

/// Result of guide(): classifier-free guidance at x_t, with Perp-Neg, view guidance and projection if enabled. With a
/// picture in the input it is that of InstructPix2Pix.
struct Guided {
  /// [n,B,C,h,w] raw outputs: negative, view prompt, Perp-Neg's two prompts, opposite view. With a picture: empty
  /// prompt, instruction, empty prompt without the picture.
  torch::Tensor eps;
  torch::Tensor delta;   // [B,C,h,w] eps_view - eps_negative or its Perp-Neg aggregate, plus view guidance
  torch::Tensor guided;  // [B,C,h,w] eps_negative + guidance_scale * delta; projected if apg_eta != 1
};
Guided guide(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
             const ScoreInput& input, const torch::Tensor& x_t, int64_t t);
Guided guide_by_picture(const ScoreOptions& options, diffusion::Denoiser& unet, const diffusion::Schedule& schedule,
                        const ScoreInput& input, const torch::Tensor& x_t, int64_t t);  // instruct_pix2pix.cpp

/// The loss weight omega(t) = sqrt((1 - a_t) / a_t), with a_t the cumulative product of alphas.
double omega(const diffusion::Schedule& schedule, int64_t t);

/// Sets output.d_latents = nan_to_num(lambda_guidance * weight * difference); not divided by the batch size.
void set_gradient(ScoreOutput& output, const ScoreOptions& options, double weight, const torch::Tensor& difference);

/// Sets output.x0_uncond and x0_guided, one-step estimates of x_0 for the contact sheet. As in the reference, the
/// predictions at x_t are applied to x_s at timestep s.
void fill_contact_sheet(ScoreOutput& output, const ScoreOptions& options, const diffusion::Schedule& schedule,
                        const Guided& guided, const torch::Tensor& x_s, int64_t s);

std::unique_ptr<Distiller> make_ism(const ScoreOptions& options);  // ism.cpp, as is make_tsm
std::unique_ptr<Distiller> make_tsm(const ScoreOptions& options);
std::unique_ptr<Distiller> make_sds(const ScoreOptions& options);  // sds.cpp
std::unique_ptr<Distiller> make_sdi(const ScoreOptions& options);  // sdi.cpp
std::unique_ptr<Distiller> make_csd(const ScoreOptions& options);  // csd.cpp, as is make_nfsd
std::unique_ptr<Distiller> make_nfsd(const ScoreOptions& options);
std::unique_ptr<Distiller> make_asd(const ScoreOptions& options);    // asd.cpp
std::unique_ptr<Distiller> make_recon(const ScoreOptions& options);  // recon.cpp
std::unique_ptr<Distiller> make_dds(const ScoreOptions& options);    // dds.cpp, as is make_pds
std::unique_ptr<Distiller> make_pds(const ScoreOptions& options);
std::unique_ptr<Distiller> make_delta_ism(const ScoreOptions& options);         // delta_ism.cpp
std::unique_ptr<Distiller> make_instruct_pix2pix(const ScoreOptions& options);  // instruct_pix2pix.cpp

}  // namespace lucid::distill
