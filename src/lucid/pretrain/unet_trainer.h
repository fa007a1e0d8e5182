// SPDX-License-Identifier: Apache-2.0
// Third stage: trains the U-Net to predict the noise in latents, conditioned on caption and view direction; a
// multi-view U-Net on groups of views with their cameras.
#pragma once

#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/data.h"
#include "lucid/pretrain/embeddings.h"
#include "lucid/pretrain/latents.h"
#include "lucid/pretrain/noise.h"
#include "lucid/pretrain/stage.h"

namespace lucid::pretrain {

/// Input and target of a batch.
struct NoisyBatch {
  torch::Tensor x = {}, noise = {};  // [n,C,h,w]: noisy latents, and the noise in them
  torch::Tensor timesteps = {};      // [n] int64
  torch::Tensor weights = {};        // [n] float, loss weights
};

/// Loss weight of a timestep: 1 / sqrt(SNR) = sqrt((1 - a) / a). The squared error falls about as its inverse, so all
/// timesteps contribute equally (Karras et al. 2024, equation 21, learn such weights). Caption and view matter most at
/// high noise; with min-SNR weights (Hang et al. 2023) these timesteps are a tenth of the loss, and the view words are
/// hardly learnt.
double loss_weight(double alpha_bar);

/// Adds noise at random timesteps to latents [n,C,h,w], on their device; every `together` consecutive rows have one
/// timestep. A pure function of rng.
NoisyBatch add_noise(const diffusion::Schedule& schedule, const torch::Tensor& latents, Rng rng, int64_t together = 1);

struct UNetData {
  const corpus::Corpus& corpus;
  const Split& split;
  const LatentSet& latents;
  Embeddings& embeddings;
  const diffusion::Vae& vae;  // for the sheets
};

/// Share of the steps of a multi-view U-Net that are those of a plain one: single pictures with view words, without
/// cameras and joint attention. They keep what the groups alone would let go of (Shi et al. 2023).
inline constexpr double kPlainSteps = 0.3;

/// Trains, or resumes from a checkpoint; then `unet` holds the EMA weights. `saved` is called with them after each
/// checkpoint. False if stopped. Throws UserError: also where a multi-view U-Net meets a corpus without groups, or a
/// batch that is not whole groups.
bool train_unet(diffusion::UNet& unet, const StageSizes& sizes, const UNetData& data, const RunOptions& options,
                const std::function<void(const std::map<std::string, torch::Tensor>& averaged)>& saved);

}  // namespace lucid::pretrain
