// SPDX-License-Identifier: Apache-2.0
// Noise mixed with a batch of latents, at a timestep of each one's own.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/diffusion/schedule.h"

namespace lucid::pretrain {

/// Schedule::add_noise with a timestep for each of x0's rows. x0, noise [n,C,h,w].
torch::Tensor add_noise_at(const diffusion::Schedule& schedule, const torch::Tensor& x0, const torch::Tensor& noise,
                           const std::vector<int64_t>& timesteps);

}  // namespace lucid::pretrain
