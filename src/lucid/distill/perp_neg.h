// SPDX-License-Identifier: Apache-2.0
// Perp-Neg (Armandpour et al. 2023): extra negative prompts of other views, and their weights, as the reference weighs
// them.
#pragma once

#include <torch/torch.h>

#include <array>
#include <vector>

#include "lucid/distill/options.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::distill {

/// Perp-Neg's 2nd and 3rd prompt of a view, and the weights of the view prompt and these two.
///
/// The reference knows front, side and back. Its rule in terms of any ring of anchors: let `near` be the neighbour of
/// the view that is nearer the front, with share r of the view prompt, and `far` the other one. If `near` is the front:
/// push away front and `far`, each the more, the less the view prompt holds of it. Else: push away `near` a little and
/// the front with full weight.
struct PerpNegTerms {
  std::array<size_t, 2> extra{};           // indices of anchors
  std::array<double, 3> weights{1, 0, 0};  // of the view prompt and the two extra prompts
};
PerpNegTerms perpneg_terms(const text_to_image::ViewAnchors& anchors, double azimuth,
                           const PerpNegOptions& options = {});

/// Perp-Neg's two extra prompts of each view, and the weights of the view prompt and these two.
struct PerpNegPrompts {
  std::array<torch::Tensor, 2> extra;  // [B,K+2] each, rows for ViewPrompts' table
  torch::Tensor weights;               // [3,B], on the CPU
};
PerpNegPrompts perpneg_prompts(const text_to_image::ViewPrompts& prompts,
                               const std::vector<text_to_image::Direction>& views, const PerpNegOptions& options);

/// delta [K,B,C,h,w] (eps_k - eps_negative), weights [K,B] -> [B,C,h,w]; terms with |w| <= 1e-4 are skipped.
torch::Tensor perpneg_aggregate(const torch::Tensor& delta, const torch::Tensor& weights);

}  // namespace lucid::distill
