// SPDX-License-Identifier: Apache-2.0
// Noise of a batch: drawn where it is needed, and mixed with latents at a timestep of each one's own.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/base/rng.h"
#include "lucid/diffusion/schedule.h"

namespace lucid::prior {

/// The stream's normal numbers, drawn on the CPU: the same on every device.
torch::Tensor normal_of(torch::IntArrayRef sizes, Rng& rng, torch::Device device);

/// Normal numbers that are a function of the stream and the device: on the CPU the stream's own, elsewhere those of the
/// device's generator, which the stream seeds. One core takes longer to draw a large batch than a GPU to learn from it.
torch::Tensor draw_normal(torch::IntArrayRef sizes, Rng& rng, torch::Device device);

/// Schedule::add_noise with a timestep for each of x0's rows. x0, noise [n,C,h,w].
torch::Tensor noisy_at(const diffusion::Schedule& schedule, const torch::Tensor& x0, const torch::Tensor& noise,
                       const std::vector<int64_t>& timesteps);

}  // namespace lucid::prior
