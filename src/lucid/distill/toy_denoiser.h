// SPDX-License-Identifier: Apache-2.0
// Test denoisers: one with predictions in closed form, and one that records the calls it forwards.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lucid/distill/distiller.h"

namespace lucid::distill::test {

/// The exact epsilon model of a distribution that is one point mu(prompt), the mean of the prompt's embedding:
/// eps = (x - sqrt(a) mu) / sqrt(1-a). DDIM keeps eps constant, so scores have closed forms (distiller_test.cpp).
class PointMass final : public diffusion::Denoiser {
 public:
  explicit PointMass(const diffusion::Schedule& schedule) : schedule_(schedule) {}
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::PromptMix& prompts) override {
    const double a = schedule_.alpha_bar(timesteps[0].item<int64_t>());
    const torch::Tensor mu = prompts.embeddings().mean({1, 2}).view({-1, 1, 1, 1});
    const torch::Tensor latents = x.slice(1, 0, std::min<int64_t>(x.size(1), 4));  // the rest is ip2p's picture
    return (latents - std::sqrt(a) * mu) / std::sqrt(1 - a);
  }

 private:
  const diffusion::Schedule& schedule_;
};

/// Records the arguments of each call and forwards it to `inner`.
class Recorder final : public diffusion::Denoiser {
 public:
  explicit Recorder(diffusion::Denoiser& inner) : inner_(inner) {}
  struct Call {
    torch::Tensor x, context;
    int64_t timestep = 0;
  };
  torch::Tensor predict(const torch::Tensor& x, const torch::Tensor& timesteps, const nn::PromptMix& prompts) override {
    calls.push_back({.x = x, .context = prompts.embeddings(), .timestep = timesteps[0].item<int64_t>()});
    return inner_.predict(x, timesteps, prompts);
  }
  std::vector<Call> calls;

 private:
  diffusion::Denoiser& inner_;
};

}  // namespace lucid::distill::test
