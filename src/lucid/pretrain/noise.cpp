// SPDX-License-Identifier: Apache-2.0
// Forward diffusion with per-row coefficients, sent to the device in one copy.
#include "lucid/pretrain/noise.h"

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/tensor/device.h"

namespace lucid::pretrain {

torch::Tensor add_noise_at(const diffusion::Schedule& schedule, const torch::Tensor& x0, const torch::Tensor& noise,
                           const std::vector<int64_t>& timesteps) {
  const auto n = static_cast<int64_t>(timesteps.size());
  LUCID_CHECK(x0.dim() == 4 && x0.size(0) == n, "{} rows of {} axes, {} timesteps", x0.size(0), x0.dim(), n);
  std::vector<float> shares;  // coefficients of x0, then of the noise
  for (const int64_t t : timesteps) shares.push_back(static_cast<float>(std::sqrt(schedule.alpha_bar(t))));
  for (const int64_t t : timesteps) shares.push_back(static_cast<float>(std::sqrt(1 - schedule.alpha_bar(t))));
  const torch::Tensor share = tensor::to_device(shares, x0.device()).view({2, n, 1, 1, 1});
  return share[0] * x0 + share[1] * noise;
}

}  // namespace lucid::pretrain
