// SPDX-License-Identifier: Apache-2.0
// Tables of the two noise schedules, and the posterior of one step.
#include "lucid/pointe/diffusion.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "lucid/pointe/transformer.h"

namespace lucid::pointe {
namespace {

using torch::Tensor;

double cosine_alpha_bar(double time) {
  const double root = std::cos((time + 0.008) / 1.008 * std::numbers::pi / 2);
  return root * root;
}

/// table[t] for each t [N], as float32 [N,1,1].
Tensor at_timesteps(const std::vector<double>& table, const Tensor& t) {
  const Tensor values = torch::tensor(table, torch::kDouble).to(torch::kFloat).to(t.device());
  return values.index_select(0, t).view({-1, 1, 1});
}

}  // namespace

Diffusion Diffusion::cosine() {
  constexpr double kLargestBeta = 0.999;
  std::vector<double> betas(kSteps);
  for (int64_t i = 0; i < kSteps; ++i) {
    const double now = static_cast<double>(i) / kSteps, next = static_cast<double>(i + 1) / kSteps;
    betas[static_cast<size_t>(i)] = std::min(1 - cosine_alpha_bar(next) / cosine_alpha_bar(now), kLargestBeta);
  }
  return Diffusion(std::move(betas));
}

Diffusion Diffusion::linear() {
  constexpr double kFirst = 1e-4 * 1000 / kSteps, kLast = 0.02 * 1000 / kSteps;
  std::vector<double> betas(kSteps);
  for (int64_t i = 0; i < kSteps; ++i) {
    betas[static_cast<size_t>(i)] = kFirst + static_cast<double>(i) * (kLast - kFirst) / (kSteps - 1);
  }
  return Diffusion(std::move(betas));
}

Diffusion::Diffusion(std::vector<double> betas) {
  Tables& t = tables_;
  t.betas = std::move(betas);
  double before = 1;  // alphas_cumprod of the timestep before
  for (const double beta : t.betas) {
    const double now = before * (1 - beta);
    t.log_betas.push_back(std::log(beta));
    t.alphas_cumprod.push_back(now);
    t.sqrt_recip_alphas_cumprod.push_back(std::sqrt(1 / now));
    t.sqrt_recipm1_alphas_cumprod.push_back(std::sqrt(1 / now - 1));
    t.posterior_variance.push_back(beta * (1 - before) / (1 - now));
    t.posterior_mean_coef1.push_back(beta * std::sqrt(before) / (1 - now));
    t.posterior_mean_coef2.push_back((1 - before) * std::sqrt(1 - beta) / (1 - now));
    before = now;
  }
  // The first posterior variance is 0; its logarithm is taken from the second.
  for (const double variance : t.posterior_variance) t.posterior_log_variance_clipped.push_back(std::log(variance));
  t.posterior_log_variance_clipped[0] = t.posterior_log_variance_clipped[1];
}

double Diffusion::timestep(double sigma) const {
  const std::vector<double>& table = tables_.alphas_cumprod;  // falls
  const double alpha = 1 / (sigma * sigma + 1);
  if (alpha > table.front()) return 0;
  if (alpha <= table.back()) return kSteps - 1;
  const auto below = std::ranges::lower_bound(table, alpha, std::greater<>());  // the first that is <= alpha
  if (below == table.begin()) return 0;
  const double share = (*(below - 1) - alpha) / (*(below - 1) - *below);
  return static_cast<double>(below - table.begin() - 1) + share;
}

Tensor Diffusion::start(const Tensor& x, const Tensor& noise, const Tensor& t, bool clip) const {
  const Tensor start = at_timesteps(tables_.sqrt_recip_alphas_cumprod, t) * x -
                       at_timesteps(tables_.sqrt_recipm1_alphas_cumprod, t) * noise;
  return clip ? start.clamp(-1, 1) : start;
}

StepDistribution Diffusion::p_mean_variance(const Tensor& output, const Tensor& x, const Tensor& t, bool clip) const {
  const Tensor share = (output.slice(1, kChannels) + 1) / 2;
  StepDistribution step;
  step.start = start(x, output.slice(1, 0, kChannels), t, clip);
  step.mean =
      at_timesteps(tables_.posterior_mean_coef1, t) * step.start + at_timesteps(tables_.posterior_mean_coef2, t) * x;
  step.log_variance = share * at_timesteps(tables_.log_betas, t) +
                      (1 - share) * at_timesteps(tables_.posterior_log_variance_clipped, t);
  step.variance = step.log_variance.exp();
  return step;
}

}  // namespace lucid::pointe
