// SPDX-License-Identifier: Apache-2.0
// View prompts by interpolation of embeddings, and Perp-Neg (Armandpour et al. 2023) as the reference weighs it.
#include "lucid/distill/prompts.h"

#include <cmath>

#include "lucid/base/error.h"

namespace lucid::distill {
namespace {

constexpr double kIgnoredWeight = 1e-4;   // Perp-Neg terms no heavier than this are skipped
constexpr double kSmallestSquare = 1e-6;  // the projection divides by at least this
constexpr double kNearAnchor = 0.8;       // this close to an anchor, its own prompt is no longer a negative
constexpr double kFarFromAnchor = 0.2;    // and this far from the front, the side's
constexpr int kFront = 0, kSide = 1, kBack = 2;

// Any turn -> [-180, 180]; values already inside stay as they are (both ends mean the back).
double one_turn(double azimuth) { return std::abs(azimuth) <= 180 ? azimuth : std::remainder(azimuth, 360.0); }

const torch::Tensor& anchor(const ViewPrompts& prompts, int which) {
  return which == kFront ? prompts.front : which == kSide ? prompts.side : prompts.back;
}

}  // namespace

ViewMix mix_for_azimuth(double azimuth, const PerpNegOptions& options) {
  azimuth = one_turn(azimuth);
  const double w = options.negative_w, k_front = options.front_decay_factor, k_side = options.side_decay_factor;
  ViewMix mix;
  if (azimuth >= -90 && azimuth < 90) {
    // z between front and side; each of the two is pushed away more, the less of it z holds.
    const double r = 1 - std::abs(azimuth) / 90;
    mix.front_side_back = {r, 1 - r, 0};
    mix.extra = {kFront, kSide};
    mix.weights = {1, r > kNearAnchor ? 0 : w * std::exp(-r * k_front),
                   r < kFarFromAnchor ? 0 : w * std::exp(-(1 - r) * k_side)};
  } else {
    // z between side and back; the front is always pushed away with full weight.
    const double r = 1 - (std::abs(azimuth) - 90) / 90;
    mix.front_side_back = {0, r, 1 - r};
    mix.extra = {kSide, kFront};
    mix.weights = {1, r > kNearAnchor ? 0 : w * std::exp(-r * k_side) / 2, w};
  }
  return mix;
}

torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<double>& azimuths) {
  std::vector<torch::Tensor> views;  // [1,L,D] each
  for (const double azimuth : azimuths) {
    const auto [front, side, back] = mix_for_azimuth(azimuth).front_side_back;
    views.push_back(front * prompts.front + side * prompts.side + back * prompts.back);
  }
  return torch::cat(views, 0);
}

PerpNegPrompts perpneg_prompts(const ViewPrompts& prompts, const std::vector<double>& azimuths,
                               const PerpNegOptions& options) {
  std::vector<torch::Tensor> second, third;  // [1,L,D] a view
  const auto views = static_cast<int64_t>(azimuths.size());
  const torch::Tensor weights = torch::empty({3, views}, torch::kFloat);
  for (int64_t view = 0; view < views; ++view) {
    const ViewMix mix = mix_for_azimuth(azimuths[static_cast<size_t>(view)], options);
    second.push_back(anchor(prompts, mix.extra[0]));
    third.push_back(anchor(prompts, mix.extra[1]));
    for (int64_t k = 0; k < 3; ++k) weights[k][view] = mix.weights[static_cast<size_t>(k)];
  }
  return {.extra = torch::stack({torch::cat(second, 0), torch::cat(third, 0)}),
          .weights = weights.to(prompts.front.device())};
}

torch::Tensor perpneg_aggregate(const torch::Tensor& delta, const torch::Tensor& weights) {
  LUCID_CHECK(
      delta.dim() == 5 && weights.dim() == 2 && delta.size(0) == weights.size(0) && delta.size(1) == weights.size(1),
      "delta has {} dimensions, weights {}", delta.dim(), weights.dim());
  const auto per_sample = [](const torch::Tensor& x) { return x.sum({1, 2, 3}, /*keepdim=*/true); };
  const torch::Tensor main = delta[0];                                                   // D_0 [B,C,h,w]
  const torch::Tensor main_square = per_sample(main * main).clamp_min(kSmallestSquare);  // [B,1,1,1]
  torch::Tensor sum = main;
  for (int64_t k = 1; k < delta.size(0); ++k) {
    // The part of D_k that stands at right angles to D_0: a negative prompt may not undo what the view prompt asks for.
    const torch::Tensor perpendicular = delta[k] - per_sample(delta[k] * main) / main_square * main;
    const torch::Tensor weight = weights[k].view({-1, 1, 1, 1});
    sum = sum + torch::where(weight.abs() > kIgnoredWeight, weight * perpendicular, torch::zeros_like(perpendicular));
  }
  return sum;
}

}  // namespace lucid::distill
