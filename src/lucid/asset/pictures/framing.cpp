// SPDX-License-Identifier: Apache-2.0
// Framing of a cloud by its visible bounds.
#include "lucid/asset/pictures/framing.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/render/constants.h"

namespace lucid::asset {
namespace {

/// The smallest value below which at least `part` of the weight lies. values, weights [N].
double weighted_quantile(const torch::Tensor& values, const torch::Tensor& weights, double part) {
  const auto [sorted, order] = values.sort();
  const torch::Tensor sums = weights.index_select(0, order).cumsum(0);
  const torch::Tensor wanted = sums[-1] * part;
  const int64_t at = torch::searchsorted(sums, wanted.view({1})).item<int64_t>();
  return sorted[std::min(at, values.size(0) - 1)].item<double>();
}

}  // namespace

std::optional<Bounds> visible_bounds(const gaussians::Cloud& cloud) {
  constexpr double kTail = 0.005, kWithin = 0.99, kSigmas = 2, kLeastWeight = render::kAlphaCut;
  const torch::NoGradGuard no_grad;
  const torch::Tensor means = cloud.means.detach().cpu().to(torch::kFloat64);                                  // [N,3]
  const torch::Tensor weights = cloud.opacity_logits.detach().cpu().to(torch::kFloat64).sigmoid().view({-1});  // [N]
  if (means.size(0) == 0 || weights.max().item<double>() < kLeastWeight) return std::nullopt;
  Bounds bounds;
  for (int64_t axis = 0; axis < 3; ++axis) {
    const torch::Tensor along = means.select(1, axis);
    bounds.centre[static_cast<size_t>(axis)] =
        (weighted_quantile(along, weights, kTail) + weighted_quantile(along, weights, 1 - kTail)) / 2;
  }
  const torch::Tensor centre = torch::tensor({bounds.centre[0], bounds.centre[1], bounds.centre[2]}, torch::kFloat64);
  const torch::Tensor sigma = cloud.log_scales.detach().cpu().to(torch::kFloat64).exp().amax(1);  // [N]
  bounds.radius = weighted_quantile((means - centre).norm(2, 1) + kSigmas * sigma, weights, kWithin);
  return bounds;
}

double framed_radius(double distance, double tan_half_fov) {
  constexpr double kMargin = 0.95;
  return kMargin * distance * std::sin(std::atan(tan_half_fov));
}

gaussians::Cloud framed(const gaussians::Cloud& cloud, const Bounds& bounds, double radius) {
  LUCID_CHECK(bounds.radius > 0 && radius > 0, "{} to {}", bounds.radius, radius);
  const torch::NoGradGuard no_grad;
  const double scale = radius / bounds.radius;
  const torch::Tensor centre = torch::tensor({bounds.centre[0], bounds.centre[1], bounds.centre[2]},
                                             cloud.means.options().dtype(torch::kFloat64));
  gaussians::Cloud moved = gaussians::smoothed(cloud);
  moved.means = ((cloud.means.to(torch::kFloat64) - centre) * scale).to(torch::kFloat32).contiguous();
  moved.log_scales = moved.log_scales + std::log(scale);
  return moved;
}

}  // namespace lucid::asset
