// SPDX-License-Identifier: Apache-2.0
// Forward diffusion of a batch of latents, each at its own timestep.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/diffusion/schedule.h"

namespace lucid::pretrain {

/// x_t = sqrt(a_t) x0 + sqrt(1-a_t) noise, like Schedule::add_noise, with one timestep per row. x0, noise [n,C,h,w].
torch::Tensor add_noise_at(const diffusion::Schedule& schedule, const torch::Tensor& x0, const torch::Tensor& noise,
                           const std::vector<int64_t>& timesteps);

}  // namespace lucid::pretrain
