// SPDX-License-Identifier: Apache-2.0
// The first network: pictures to latents and back, judged on views it never saw.
#pragma once

#include "lucid/corpus/shards.h"
#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

struct VaeQuality {
  double psnr = 0, foreground_psnr = 0;  // dB, of the pictures' means
};
VaeQuality evaluate_vae(diffusion::Vae vae, const corpus::Corpus& corpus, const std::vector<int64_t>& views);

/// moments, picture, reconstruction -> loss: weighted absolute and squared error, edges, KL.
torch::Tensor vae_loss(const torch::Tensor& moments, const torch::Tensor& drawn, const Pictures& pictures);

/// Trains, or resumes where there is a checkpoint. `vae` then holds the averaged weights. False when stopped.
bool train_vae(diffusion::Vae& vae, const Sizes& sizes, const corpus::Corpus& corpus, const Split& split,
               const RunOptions& options);

/// 1 / standard deviation of the latents of some training views.
double measured_scaling_factor(diffusion::Vae vae, const corpus::Corpus& corpus, const Split& split);

}  // namespace lucid::pretrain
