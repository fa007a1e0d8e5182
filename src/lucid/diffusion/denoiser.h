// SPDX-License-Identifier: Apache-2.0
// What a score asks of a diffusion model: the noise in noisy latents. And how a U-Net answers, as fast as the machine
// can.
#pragma once

#include <torch/torch.h>

#include "lucid/diffusion/compute.h"
#include "lucid/diffusion/unet.h"
#include "lucid/diffusion/workers.h"

namespace lucid::diffusion {

/// The U-Net as a function, so that a score can be tested with any denoiser.
/// x [B,C,h,w], timesteps [B] int64, context [B,L,D] -> epsilon or v [B,C,h,w].
class Denoiser {
 public:
  virtual ~Denoiser() = default;
  virtual torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps,
                                const torch::Tensor& context) = 0;
};

/// A U-Net as a Denoiser, cast to and from its precision. Gradients are as the caller's mode says; a batch is shared
/// among workers where it wants none.
class UNetDenoiser final : public Denoiser {
 public:
  explicit UNetDenoiser(const UNet& unet, const ComputeOptions& options = {});
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps, const torch::Tensor& context) override;

 private:
  UNet unet_;
  torch::ScalarType precision_;
  Workers workers_;
};

}  // namespace lucid::diffusion
