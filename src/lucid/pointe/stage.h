// SPDX-License-Identifier: Apache-2.0
// One stage of Point-E: a network with its diffusion process, as the sampler sees it.
#pragma once

#include <torch/torch.h>

#include "lucid/pointe/diffusion.h"
#include "lucid/pointe/karras.h"
#include "lucid/pointe/transformer.h"

namespace lucid::pointe {

/// Output units [N,6,T] (coordinates within about 0.5, colours in 0..255) to the units of diffusion ([-1, 1]), and
/// back.
torch::Tensor scaled(const torch::Tensor& cloud);
torch::Tensor unscaled(const torch::Tensor& cloud);

/// Noisy x [N,6,T] at noise level sigma -> the clean cloud that the network predicts, clamped to [-1, 1].
torch::Tensor predicted_start(PointTransformer& net, const Diffusion& diffusion, const Condition& condition,
                              const torch::Tensor& x, float sigma);

/// A denoiser for karras_sample() with classifier-free guidance: no condition + scale (condition - no condition). The
/// result is not clamped. Scales 0 and 1 both mean no guidance. `net` and `diffusion` must outlive it.
Denoise guided_denoiser(PointTransformer& net, const Diffusion& diffusion, const Condition& condition, double scale);

}  // namespace lucid::pointe
