// SPDX-License-Identifier: Apache-2.0
// Weights of Perp-Neg's extra prompts, and the aggregate of the predictions.
#include "lucid/distill/perp_neg.h"

#include <cmath>

#include "lucid/base/error.h"

namespace lucid::distill {
namespace {

constexpr double kIgnoredWeight = 1e-4;   // Perp-Neg terms no heavier than this are skipped
constexpr double kSmallestSquare = 1e-6;  // lower limit of the projection's denominator
constexpr double kNearAnchor = 0.8;       // above this share of the view prompt an anchor is not used as a negative
constexpr double kFarFromAnchor = 0.2;    // below this share of the front, its neighbour is not used as a negative

double turn_between(double a, double b) { return std::abs(std::remainder(a - b, 360.0)); }

}  // namespace

PerpNegTerms perpneg_terms(const text_to_image::ViewAnchors& anchors, double azimuth, const PerpNegOptions& options) {
  const double w = options.negative_w, k_front = options.front_decay_factor, k_side = options.side_decay_factor;
  const size_t front = anchors.front();
  const auto away = [&](size_t i) {
    return turn_between(anchors.anchors()[i].azimuth, anchors.anchors()[front].azimuth);
  };
  const text_to_image::ViewAnchors::Segment part = anchors.segment(azimuth);
  const bool from_is_near = away(part.from) <= away(part.to);
  const size_t near = from_is_near ? part.from : part.to, far = from_is_near ? part.to : part.from;
  const double r = from_is_near ? 1 - part.fraction : part.fraction;
  if (near == front) {
    return {.extra = {front, far},
            .weights = {1, r > kNearAnchor ? 0 : w * std::exp(-r * k_front),
                        r < kFarFromAnchor ? 0 : w * std::exp(-(1 - r) * k_side)}};
  }
  return {.extra = {near, front}, .weights = {1, r > kNearAnchor ? 0 : w * std::exp(-r * k_side) / 2, w}};
}

PerpNegPrompts perpneg_prompts(const text_to_image::ViewPrompts& prompts,
                               const std::vector<text_to_image::Direction>& views, const PerpNegOptions& options) {
  std::array<std::vector<size_t>, 2> extra;
  const torch::Tensor weights = torch::empty({3, static_cast<int64_t>(views.size())}, torch::kFloat);
  for (size_t view = 0; view < views.size(); ++view) {
    const PerpNegTerms terms = perpneg_terms(prompts.anchors(), views[view].azimuth, options);
    for (size_t k = 0; k < extra.size(); ++k) extra[k].push_back(terms.extra[k]);
    for (size_t k = 0; k < terms.weights.size(); ++k) {
      weights[static_cast<int64_t>(k)][static_cast<int64_t>(view)] = terms.weights[k];
    }
  }
  return {.extra = {prompts.anchor_weights(extra[0]), prompts.anchor_weights(extra[1])}, .weights = weights};
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
    // The component of D_k perpendicular to D_0, so that a negative prompt does not cancel the view prompt.
    const torch::Tensor perpendicular = delta[k] - per_sample(delta[k] * main) / main_square * main;
    const torch::Tensor weight = weights[k].view({-1, 1, 1, 1});
    sum = sum + torch::where(weight.abs() > kIgnoredWeight, weight * perpendicular, torch::zeros_like(perpendicular));
  }
  return sum;
}

}  // namespace lucid::distill
