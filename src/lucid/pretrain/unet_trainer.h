// SPDX-License-Identifier: Apache-2.0
// The last and longest stage: the U-Net learns to predict the noise in latents, told the caption and the view.
#pragma once

#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/embeddings.h"
#include "lucid/pretrain/latents.h"
#include "lucid/pretrain/noise.h"
#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

/// What a batch asks of the U-Net.
struct NoisyBatch {
  torch::Tensor x = {}, noise = {};  // [n,C,h,w]
  torch::Tensor timesteps = {};      // [n] int64
  torch::Tensor weights = {};        // [n] float
};

/// 1 / sqrt(SNR): the squared error of the noise falls as its inverse, so every timestep counts alike (as in Karras et
/// al. 2024, equation 21, where the weights are learnt). Where there is much noise the caption and the view decide:
/// with min-SNR weights (Hang et al. 2023) these timesteps are a tenth of the loss, and the view words are hardly
/// learnt.
double loss_weight(double alpha_bar);

/// latents [n,C,h,w] with noise of rng's timesteps and amounts, on the latents' device.
NoisyBatch add_noise(const diffusion::Schedule& schedule, const torch::Tensor& latents, Rng rng);

struct UNetData {
  const corpus::Corpus& corpus;
  const Split& split;
  const LatentSet& latents;
  Embeddings& embeddings;
  const diffusion::Vae& vae;  // for the sheets
};

/// Trains, or resumes where there is a checkpoint; `unet` then holds the averaged weights. `saved` is called with them
/// after each checkpoint. False when stopped.
bool train_unet(diffusion::UNet& unet, const StageSizes& sizes, const UNetData& data, const RunOptions& options,
                const std::function<void(const std::map<std::string, torch::Tensor>& averaged)>& saved);

}  // namespace lucid::pretrain
