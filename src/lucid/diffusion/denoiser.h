// SPDX-License-Identifier: Apache-2.0
// Denoiser: what a score asks of a diffusion model, the noise (or velocity) predicted for noisy latents. UNetDenoiser:
// a U-Net as a Denoiser, its batch shared among CPU workers or its work replayed on a GPU.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <vector>

#include "lucid/diffusion/control_net.h"
#include "lucid/diffusion/unet.h"
#include "lucid/nn/compute_policy.h"
#include "lucid/nn/prompt_mix.h"
#include "lucid/tensor/cuda_graph.h"
#include "lucid/tensor/workers.h"

namespace lucid::diffusion {

/// An interface, so that a score can be tested with any denoiser.
class Denoiser {
 public:
  virtual ~Denoiser() = default;
  /// x [B,C,h,w], timesteps [B] int64, a mix of prompts for each row (or embeddings [B,L,D]) -> epsilon or v [B,C,h,w].
  /// SDXL wants the prompts' vectors as well.
  virtual torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps,
                                const nn::PromptMix& prompts) = 0;
  /// Whether predict() needs set_control_images() before it.
  virtual bool needs_control_images() const { return false; }
  /// images [V,3,H,W] in [0,1], one a view. Row b of the batches that follow uses images[b % V].
  virtual void set_control_images(const torch::Tensor& /*images*/) {}
  /// Consecutive rows of a batch that are views of one object and are predicted together; its size is a multiple.
  /// More than 1: predict() needs set_cameras() before it.
  virtual int64_t joint_views() const { return 1; }
  /// cameras [V,16] (camera/multi_view.h), one a view. Row b of the batches that follow uses cameras[b % V].
  virtual void set_cameras(const torch::Tensor& /*cameras*/) {}
};

/// A ControlNet, and the factor of its residuals.
struct Control {
  ControlNet net = nullptr;
  double scale = 1;
};

/// Inputs and outputs keep the caller's dtype. Gradients are recorded if the caller's mode says so; only without them
/// is a batch computed in parts of options.rows_at_once rows, each shared among a CPU's workers or replayed on a GPU.
class UNetDenoiser final : public Denoiser {
 public:
  explicit UNetDenoiser(const UNet& unet, const nn::ComputeOptions& options = {}, const Control& control = {});
  UNetDenoiser(const UNetDenoiser&) = delete;
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::PromptMix& prompts) override;
  bool needs_control_images() const override { return !control_.net.is_empty(); }
  void set_control_images(const torch::Tensor& images) override { control_images_ = images.to(dtype_); }
  int64_t joint_views() const override { return unet_->config().views; }
  void set_cameras(const torch::Tensor& cameras) override { cameras_ = cameras; }

 private:
  bool needs_cameras() const { return unet_->config().is_multi_view(); }
  void cache_prompts(const torch::Tensor& prompts);
  bool needs_vector() const { return unet_->config().vector_width > 0; }
  /// inputs: latents, timesteps, weights of cached prompts [B,K] or embeddings [B,L,D], and, if needed, the vector,
  /// control images, cameras. Returns the prediction in the latents' dtype.
  torch::Tensor compute(const std::vector<torch::Tensor>& inputs);
  /// The same, shared among the workers or replayed.
  torch::Tensor compute_rows(const std::vector<torch::Tensor>& inputs);

  UNet unet_;
  Control control_;
  torch::Tensor control_images_;  // [V,3,H,W]
  torch::Tensor cameras_;         // [V,16]
  torch::ScalarType dtype_;       // of operands
  torch::Tensor prompts_;         // [K,L,D] of prompt_cache_
  std::optional<nn::PromptCache> prompt_cache_;
  tensor::Workers workers_;
  int64_t rows_at_once_;  // 0 = all
  bool cuda_graphs_;
  tensor::CapturedFunction captured_;
};

}  // namespace lucid::diffusion
