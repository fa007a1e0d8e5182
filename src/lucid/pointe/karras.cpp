// SPDX-License-Identifier: Apache-2.0
// The sampler's scalars are float32, as in the reference, so that timesteps and trajectories agree with it.
#include "lucid/pointe/karras.h"

#include <cmath>

#include "lucid/base/error.h"

namespace lucid::pointe {

using torch::Tensor;

std::vector<float> karras_sigmas(const KarrasOptions& o) {
  LUCID_CHECK(o.steps >= 2, "{} steps", o.steps);
  const double low = std::pow(o.sigma_min, 1 / o.rho), high = std::pow(o.sigma_max, 1 / o.rho);
  const Tensor ramp = torch::linspace(0, 1, o.steps, torch::kFloat);
  const Tensor sigmas = torch::pow(high + ramp * (low - high), o.rho);
  std::vector<float> values(sigmas.data_ptr<float>(), sigmas.data_ptr<float>() + o.steps);
  values.push_back(0);
  return values;
}

double churn_growth(const KarrasOptions& o) {
  return std::min(o.churn / static_cast<double>(o.steps), std::sqrt(2.0) - 1);
}

KarrasResult karras_sample(const KarrasOptions& options, const DrawNoise& draw, const Denoise& denoise) {
  const std::vector<float> sigmas = karras_sigmas(options);
  const auto growth = static_cast<float>(churn_growth(options) + 1);
  Tensor x = draw(0) * sigmas[0], clean;
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float sigma = sigmas[i], next = sigmas[i + 1];
    const float noisier = sigma * growth;
    if (growth > 1) x = x + draw(static_cast<int64_t>(i) + 1) * std::sqrt(noisier * noisier - sigma * sigma);
    clean = denoise(x, noisier);
    const Tensor slope = (x - clean) / noisier;
    const float step = next - noisier;
    const Tensor euler = x + slope * step;
    if (next == 0) {
      x = euler;
    } else {
      const Tensor slope_there = (euler - denoise(euler, next)) / next;
      x = x + (slope + slope_there) / 2 * step;
    }
  }
  return {.x = x, .denoised = clean};
}

}  // namespace lucid::pointe
