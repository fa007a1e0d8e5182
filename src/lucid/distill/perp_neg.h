// SPDX-License-Identifier: Apache-2.0
// Perp-Neg (Armandpour et al. 2023): two extra negative prompts per view, of other view directions, with the weights of
// the reference. Only the component perpendicular to the view prompt's direction is subtracted.
#pragma once

#include <torch/torch.h>

#include <array>
#include <vector>

#include "lucid/distill/options.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::distill {

/// The two extra prompts of a view direction, and the weights of the view prompt and the two.
///
/// The reference has the anchors front, side and back; this is its rule for any ring of anchors. Of the two anchors
/// around the view let `near` be the one nearer to the front, with interpolation weight r, and `far` the other one.
/// If `near` is the front, the extra prompts are front and `far`, with weights that grow as their share of the view
/// prompt falls. Otherwise they are `near`, with a small weight, and the front, with the full weight negative_w.
struct PerpNegTerms {
  std::array<size_t, 2> extra{};           // indices of anchors
  std::array<double, 3> weights{1, 0, 0};  // of the view prompt and the two extra prompts
};
PerpNegTerms perpneg_terms(const text_to_image::ViewAnchors& anchors, double azimuth,
                           const PerpNegOptions& options = {});

/// perpneg_terms() of a batch of views.
struct PerpNegPrompts {
  std::array<torch::Tensor, 2> extra;  // [B,K+2] each, weights over the table of ViewPrompts
  torch::Tensor weights;               // [3,B], float, on the CPU
};
PerpNegPrompts perpneg_prompts(const text_to_image::ViewPrompts& prompts,
                               const std::vector<text_to_image::Direction>& views, const PerpNegOptions& options);

/// Perp-Neg's aggregate delta_0 + sum over k >= 1 of w_k (delta_k perpendicular to delta_0), per view. delta
/// [K,B,C,h,w] is eps_k - eps_negative; weights [K,B] -> [B,C,h,w]. Terms with |w| <= 1e-4 are skipped.
torch::Tensor perpneg_aggregate(const torch::Tensor& delta, const torch::Tensor& weights);

}  // namespace lucid::distill
