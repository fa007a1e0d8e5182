// SPDX-License-Identifier: Apache-2.0
// Second stage: trains the VAE, and measures its reconstructions of held-out views.
#pragma once

#include "lucid/corpus/shards.h"
#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

struct VaeQuality {
  double psnr = 0, foreground_psnr = 0;  // dB; of all pixels, and of the object's pixels
};
/// PSNR of the reconstructions from posterior means of `views`.
VaeQuality evaluate_vae(diffusion::Vae vae, const corpus::Corpus& corpus, const std::vector<int64_t>& views);

/// Loss of a reconstruction: absolute and squared error, chroma error and error of image gradients, each weighted
/// towards the object, plus the KL divergence. moments [n,2C,h,w], drawn (the reconstruction) [n,3,S,S] in -1..1 -> [].
torch::Tensor vae_loss(const torch::Tensor& moments, const torch::Tensor& drawn, const Pictures& pictures);

/// Trains, or resumes from a checkpoint; then `vae` holds the EMA weights. False if stopped. Throws UserError.
bool train_vae(diffusion::Vae& vae, const Sizes& sizes, const corpus::Corpus& corpus, const Split& split,
               const RunOptions& options);

/// The VAE's scaling factor: 1 / standard deviation of the latents of 256 training views.
double measured_scaling_factor(diffusion::Vae vae, const corpus::Corpus& corpus, const Split& split);

}  // namespace lucid::pretrain
