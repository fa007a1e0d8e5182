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
constexpr double kFarFromAnchor = 0.2;    // and this far from the front, its neighbour's

double turn_between(double a, double b) { return std::abs(std::remainder(a - b, 360.0)); }

}  // namespace

PerpNegTerms perpneg_terms(const ViewAnchors& anchors, double azimuth, const PerpNegOptions& options) {
  const double w = options.negative_w, k_front = options.front_decay_factor, k_side = options.side_decay_factor;
  const size_t front = anchors.front();
  const auto away = [&](size_t i) {
    return turn_between(anchors.anchors()[i].azimuth, anchors.anchors()[front].azimuth);
  };
  const ViewAnchors::Segment part = anchors.segment(azimuth);
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

torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<Direction>& views) {
  std::vector<torch::Tensor> mixed;  // [L,D] each
  for (const Direction& view : views) {
    torch::Tensor sum;
    for (const auto& [anchor, weight] : prompts.anchors.mix(view.azimuth, view.elevation)) {
      const torch::Tensor part = weight * prompts.embeddings[static_cast<int64_t>(anchor)];
      sum = sum.defined() ? sum + part : part;
    }
    mixed.push_back(sum);
  }
  return torch::stack(mixed);
}

PerpNegPrompts perpneg_prompts(const ViewPrompts& prompts, const std::vector<Direction>& views,
                               const PerpNegOptions& options) {
  std::vector<int64_t> second, third;
  const auto count = static_cast<int64_t>(views.size());
  const torch::Tensor weights = torch::empty({3, count}, torch::kFloat);
  for (int64_t view = 0; view < count; ++view) {
    const PerpNegTerms terms = perpneg_terms(prompts.anchors, views[static_cast<size_t>(view)].azimuth, options);
    second.push_back(static_cast<int64_t>(terms.extra[0]));
    third.push_back(static_cast<int64_t>(terms.extra[1]));
    for (int64_t k = 0; k < 3; ++k) weights[k][view] = terms.weights[static_cast<size_t>(k)];
  }
  const auto pick = [&](const std::vector<int64_t>& rows) {
    return prompts.embeddings.index_select(0, torch::tensor(rows, torch::kLong).to(prompts.embeddings.device()));
  };
  return {.extra = torch::stack({pick(second), pick(third)}), .weights = weights.to(prompts.embeddings.device())};
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
