// SPDX-License-Identifier: Apache-2.0
// Karras et al. (2022): Heun's method over a schedule of noise levels, with churn.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

namespace lucid::pointe {

struct KarrasOptions {
  int64_t steps = 64;
  double sigma_min = 1e-3, sigma_max = 120, rho = 7;
  double churn = 0;  // noise that is added before each step, as in the paper
};

/// Noise levels of the steps, falling from sigma_max to sigma_min, then 0: steps + 1 values.
std::vector<float> karras_sigmas(const KarrasOptions& options);
/// The relative growth of the noise level by churn, the same in every step.
double churn_growth(const KarrasOptions& options);
/// How often karras_sample() calls the denoiser.
inline int64_t denoiser_calls(const KarrasOptions& options) { return 2 * options.steps - 1; }

/// Noisy x [N,6,T] at noise level sigma -> the clean cloud.
using Denoise = std::function<torch::Tensor(const torch::Tensor& x, float sigma)>;
/// Standard normals [N,6,T]. Draw 0 is the initial noise, draw i + 1 the churn of step i; without churn only draw 0 is
/// asked for.
using DrawNoise = std::function<torch::Tensor(int64_t draw)>;

struct KarrasResult {
  torch::Tensor x;         // [N,6,T] after the last step
  torch::Tensor denoised;  // [N,6,T] what the denoiser gave in the last step: the sample
};
KarrasResult karras_sample(const KarrasOptions& options, const DrawNoise& draw, const Denoise& denoise);

}  // namespace lucid::pointe
