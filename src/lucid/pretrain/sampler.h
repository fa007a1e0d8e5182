// SPDX-License-Identifier: Apache-2.0
// Pictures drawn from a prior by DDIM with classifier-free guidance: what it has learnt, without any 3D.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/vae.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::pretrain {

struct SampleOptions {
  int64_t steps = 25;
  double guidance = 4;
  uint64_t seed = 0;
};

/// The networks that draw; handles, not copies.
struct SamplingModel {
  diffusion::UNet unet;
  diffusion::Vae vae;
  diffusion::Schedule schedule;
  int64_t side = 0;  // latent pixels
};

/// context [n,L,D], empty [1,L,D] -> pictures [n,3,S,S] in 0..1, on the CPU wherever the networks are. All start from
/// the same noise, that of `row`.
torch::Tensor sample_ddim(SamplingModel& model, const torch::Tensor& context, const torch::Tensor& empty,
                          const SampleOptions& options, int64_t row);

/// One row a prompt, the azimuths spread evenly from 0: [3,H,W].
torch::Tensor sample_sheet(const text_to_image::Prior& prior, const std::vector<std::string>& prompts, int64_t views,
                           const SampleOptions& options);

}  // namespace lucid::pretrain
