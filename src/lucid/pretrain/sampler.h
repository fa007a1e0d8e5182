// SPDX-License-Identifier: Apache-2.0
// Samples pictures from a prior by DDIM with classifier-free guidance, to show what it has learnt.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"
#include "lucid/pretrain/options.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::pretrain {

/// The networks for sampling; handles, not copies.
struct SamplingModel {
  diffusion::UNet unet;
  diffusion::Vae vae;
  diffusion::Schedule schedule;
  int64_t side = 0;  // latent pixels per side
};

/// What n pictures are to show.
struct Wanted {
  torch::Tensor context, empty;  // [n,L,D], [1,L,D]: embeddings of the prompts and of the empty one
  torch::Tensor cameras = {};    // [n,16]: the pictures are groups of views, see cameras_at(); undefined: single ones
};

/// Pictures [n,3,S,S] in 0..1, on the CPU. All single pictures start from the same noise, views of a group each from
/// noise of its own; a function of options.seed and `row`.
torch::Tensor sample_ddim(SamplingModel& model, const Wanted& wanted, const SampleOptions& options, int64_t row);

/// A contact sheet [3,H,W]: one row per prompt, `views` columns at equal steps of azimuth from 0, elevation 15. With a
/// multi-view prior `views` is a multiple of its joint views, and the columns are its groups, one after the other.
torch::Tensor sample_sheet(const text_to_image::Prior& prior, const std::vector<std::string>& prompts, int64_t views,
                           const SampleOptions& options);

}  // namespace lucid::pretrain
