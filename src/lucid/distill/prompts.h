// SPDX-License-Identifier: Apache-2.0
// View-dependent prompts: a table of anchors interpolated by direction, and Perp-Neg's extra prompts and weights
// (Armandpour et al. 2023).
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <vector>

#include "lucid/distill/view_anchors.h"

namespace lucid::distill {

struct ViewPrompts {
  ViewAnchors anchors;       // K of them
  torch::Tensor embeddings;  // [K,L,D]: "{text}, front view" …
  torch::Tensor negative;    // [1,L,D], the "unconditional" side of classifier-free guidance
  torch::Tensor inverse;     // [1,L,D], `inverse_text`, for the inversion
};

/// Where a view looks from, degrees (any turn; above the horizon).
struct Direction {
  double azimuth = 0, elevation = 0;
};

struct PerpNegOptions {
  double negative_w = -2, front_decay_factor = 2, side_decay_factor = 10;
};

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
PerpNegTerms perpneg_terms(const ViewAnchors& anchors, double azimuth, const PerpNegOptions& options = {});

/// The view prompt of each view [B,L,D]; and with Perp-Neg the extra prompts [2,B,L,D] and weights [3,B].
torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<Direction>& views);
struct PerpNegPrompts {
  torch::Tensor extra;    // [2,B,L,D]
  torch::Tensor weights;  // [3,B]
};
PerpNegPrompts perpneg_prompts(const ViewPrompts& prompts, const std::vector<Direction>& views,
                               const PerpNegOptions& options);

/// delta [K,B,C,h,w] (eps_k - eps_negative), weights [K,B] -> [B,C,h,w]; terms with |w| <= 1e-4 are skipped.
torch::Tensor perpneg_aggregate(const torch::Tensor& delta, const torch::Tensor& weights);

}  // namespace lucid::distill
