// SPDX-License-Identifier: Apache-2.0
// Adam for clouds of changing size, and the decay of the learning rates.
#include "lucid/optim/adam.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"

namespace lucid::optim {
namespace {

using gaussians::Cloud;

constexpr double kBeta1 = 0.9, kBeta2 = 0.999;
constexpr double kEps = 1e-15;         // far below the usual 1e-8, because gradients of single Gaussians are tiny
constexpr double kHigherShShare = 20;  // the rate of higher SH coefficients is feature_lr divided by this

/// Log-linear interpolation from `initial` at iteration 0 to `last` at `iterations`, constant afterwards.
double log_linear(double initial, double last, int64_t iteration, int64_t iterations) {
  const double t =
      iterations > 0 ? std::clamp(static_cast<double>(iteration) / static_cast<double>(iterations), 0.0, 1.0) : 1.0;
  if (initial <= 0 || last <= 0) return t < 1 ? initial : last;  // the logarithm does not exist
  return std::exp(std::log(initial) * (1 - t) + std::log(last) * t);
}

void update(torch::Tensor& p, const torch::Tensor& g, torch::Tensor& m, torch::Tensor& v, const AdamScalars& s) {
  if (!p.is_cpu()) return adam_update_tensors(p, g, m, v, s);
  LUCID_CHECK(p.is_contiguous() && g.is_contiguous() && m.is_contiguous() && v.is_contiguous(),
              "Adam needs contiguous tensors");
  adam_update(p.data_ptr<float>(), g.data_ptr<float>(), m.data_ptr<float>(), v.data_ptr<float>(), p.numel(), s);
}

}  // namespace

void adam_update_tensors(torch::Tensor& p, const torch::Tensor& g, torch::Tensor& m, torch::Tensor& v,
                         const AdamScalars& s) {
  m.lerp_(g, s.one_minus_beta1);
  v.mul_(s.beta2).addcmul_(g, g, s.one_minus_beta2);
  p.addcdiv_(m, v.sqrt().div_(s.root_correction).add_(s.eps), -s.step_size);
}

std::array<double, Cloud::kGroups> LearningRates::at(int64_t iteration) const {
  // position_lr_delay_mult is not used: every configuration of the reference has a delay of 0 steps.
  const auto decayed = [&](double initial, double last) { return log_linear(initial, last, iteration, iterations); };
  std::array<double, Cloud::kGroups> rates;
  rates[Cloud::kMeans] = decayed(position_lr_init * spatial_lr_scale, position_lr_final * spatial_lr_scale);
  rates[Cloud::kShDc] = decayed(feature_lr, feature_lr_final);
  rates[Cloud::kShRest] = feature_lr / kHigherShShare;
  rates[Cloud::kOpacityLogits] = opacity_lr;
  rates[Cloud::kLogScales] = decayed(scaling_lr, scaling_lr_final);
  rates[Cloud::kQuats] = decayed(rotation_lr, rotation_lr_final);
  for (double& rate : rates) rate *= strength;
  return rates;
}

Adam::Adam(const Cloud& cloud) {
  const auto parameters = cloud.parameters();
  for (int g = 0; g < Cloud::kGroups; ++g) {
    if (!parameters[g]->defined()) continue;  // an empty cloud, whose moments a checkpoint will set
    m[g] = torch::zeros_like(*parameters[g]);
    v[g] = torch::zeros_like(*parameters[g]);
  }
}

void Adam::step(Cloud& cloud, const gaussians::CloudGradient& gradient,
                const std::array<double, Cloud::kGroups>& rates) {
  const torch::NoGradGuard no_grad;
  ++steps;
  const double correction1 = 1 - std::pow(kBeta1, static_cast<double>(steps));
  const double correction2 = 1 - std::pow(kBeta2, static_cast<double>(steps));
  const auto parameters = cloud.parameters();
  for (int g = 0; g < Cloud::kGroups; ++g) {
    torch::Tensor& p = *parameters[g];
    LUCID_CHECK(p.sizes() == gradient.raw[g].sizes() && p.sizes() == m[g].sizes() && p.sizes() == v[g].sizes(),
                "{}: {} rows, gradient {}, moments {}", Cloud::kNames[g], p.size(0), gradient.raw[g].size(0),
                m[g].size(0));
    if (p.numel() == 0) continue;
    update(p, gradient.raw[g], m[g], v[g],
           {.beta2 = static_cast<float>(kBeta2),
            .one_minus_beta1 = static_cast<float>(1 - kBeta1),
            .one_minus_beta2 = static_cast<float>(1 - kBeta2),
            .root_correction = static_cast<float>(std::sqrt(correction2)),
            .step_size = static_cast<float>(rates[g] / correction1),
            .eps = static_cast<float>(kEps)});
  }
}

void Adam::rearrange_rows(const torch::Tensor& source) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor fresh = source.lt(0), row = source.clamp_min(0);
  for (auto* moments : {&m, &v}) {
    for (torch::Tensor& old : *moments) {
      std::vector<int64_t> shape = old.sizes().vec();
      shape[0] = source.size(0);
      if (old.size(0) == 0) {
        old = torch::zeros(shape, old.options());
        continue;
      }
      torch::Tensor next = old.index_select(0, row);
      std::vector<int64_t> column(shape.size(), 1);
      column[0] = shape[0];
      old = next.masked_fill_(fresh.view(column), 0);
    }
  }
}

void Adam::zero_moments(int group) {
  m.at(group).zero_();
  v.at(group).zero_();
}

}  // namespace lucid::optim
