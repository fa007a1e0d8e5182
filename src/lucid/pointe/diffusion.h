// SPDX-License-Identifier: Apache-2.0
// The diffusion process of Point-E: 1024 timesteps, prediction of the noise, learned variance between two bounds.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace lucid::pointe {

/// Mean and variance of the denoised step, and the clean cloud that the network predicts; each [N,6,T].
struct StepDistribution {
  torch::Tensor start, mean, variance, log_variance;
};

class Diffusion {
 public:
  static constexpr int64_t kSteps = 1024;
  static Diffusion cosine();  // of the base models
  static Diffusion linear();  // of the upsampler

  /// Values at each timestep, in double; rounded to float32 where a step uses them.
  struct Tables {
    std::vector<double> betas, log_betas, alphas_cumprod, sqrt_recip_alphas_cumprod, sqrt_recipm1_alphas_cumprod;
    std::vector<double> posterior_variance, posterior_log_variance_clipped, posterior_mean_coef1, posterior_mean_coef2;
  };
  const Tables& tables() const { return tables_; }

  /// The timestep whose noise has the standard deviation `sigma` (relative to a signal of unit scale), interpolated
  /// between timesteps, in [0, 1023].
  double timestep(double sigma) const;

  /// The clean cloud [N,6,T] from noisy x [N,6,T], predicted noise [N,6,T] and timesteps t [N]; clamped to [-1, 1] if
  /// `clip`.
  torch::Tensor start(const torch::Tensor& x, const torch::Tensor& noise, const torch::Tensor& t, bool clip) const;
  /// From the whole output [N,12,T] of a network.
  StepDistribution p_mean_variance(const torch::Tensor& output, const torch::Tensor& x, const torch::Tensor& t,
                                   bool clip) const;

 private:
  explicit Diffusion(std::vector<double> betas);
  Tables tables_;
};

}  // namespace lucid::pointe
