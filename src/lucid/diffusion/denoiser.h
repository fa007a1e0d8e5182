// SPDX-License-Identifier: Apache-2.0
// What a score asks of a diffusion model: the noise in noisy latents. And how a U-Net answers, as fast as the machine
// can.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/diffusion/control_net.h"
#include "lucid/diffusion/unet.h"
#include "lucid/nn/compute_policy.h"
#include "lucid/nn/prompt_mix.h"
#include "lucid/tensor/cuda_graph.h"
#include "lucid/tensor/workers.h"

namespace lucid::diffusion {

/// The U-Net as a function, so that a score can be tested with any denoiser.
/// x [B,C,h,w], timesteps [B] int64, prompts of B (or their embeddings [B,L,D]) -> epsilon or v [B,C,h,w].
class Denoiser {
 public:
  virtual ~Denoiser() = default;
  virtual torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps,
                                const nn::PromptMix& prompts) = 0;
  /// Whether it is to be shown a picture of each view before it predicts.
  virtual bool looks() const { return false; }
  /// pictures [V,3,H,W] in [0,1]: of the views that the rows of the following batches are, over and over.
  virtual void show(const torch::Tensor& /*pictures*/) {}
};

/// A ControlNet that looks at each view, and how much it counts.
struct Control {
  ControlNet net = nullptr;
  double scale = 1;
};

/// A U-Net as a Denoiser, cast to and from its precision. Gradients are as the caller's mode says; where it wants none
/// a CPU's workers share a batch, and a GPU replays what was recorded.
class UNetDenoiser final : public Denoiser {
 public:
  explicit UNetDenoiser(const UNet& unet, const nn::ComputeOptions& options = {}, const Control& control = {});
  UNetDenoiser(const UNetDenoiser&) = delete;
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::PromptMix& prompts) override;
  bool looks() const override { return !control_.net.is_empty(); }
  void show(const torch::Tensor& pictures) override { pictures_ = pictures.to(precision_); }

 private:
  void keep(const torch::Tensor& prompts);
  /// latents, timesteps, weights of the kept prompts or plain embeddings, and pictures if it looks -> the prediction,
  /// in the latents' dtype.
  torch::Tensor compute(const std::vector<torch::Tensor>& inputs);

  UNet unet_;
  Control control_;
  torch::Tensor pictures_;  // [V,3,H,W]
  torch::ScalarType precision_;
  torch::Tensor prompts_;  // [K,L,D], of which
  std::optional<nn::KeptPrompts> kept_;
  tensor::Workers workers_;
  bool records_;
  tensor::RecordedFunction recorded_;
};

}  // namespace lucid::diffusion
