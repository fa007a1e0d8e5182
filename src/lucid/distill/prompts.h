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

/// Where a view looks from, degrees (any turn; above the horizon).
struct Direction {
  double azimuth = 0, elevation = 0;
};

/// The few prompts of a run in one table, and how what a U-Net is asked with is mixed from them: rows of weights
/// [...,K+2] for diffusion::PromptMix, on the CPU.
class ViewPrompts {
 public:
  /// embeddings [K,L,D] of "{text}, front view" … for K anchors; negative [1,L,D], the "unconditional" side of
  /// classifier-free guidance; inverse [1,L,D], of `inverse_text`, for the inversion.
  ViewPrompts(ViewAnchors anchors, const torch::Tensor& embeddings, const torch::Tensor& negative,
              const torch::Tensor& inverse);

  const ViewAnchors& anchors() const { return anchors_; }
  const torch::Tensor& table() const { return table_; }  // [K+2,L,D] in this order
  torch::Tensor embeddings() const { return table_.slice(0, 0, count_); }
  torch::Tensor negative() const { return table_.slice(0, count_, count_ + 1); }
  torch::Tensor inverse() const { return table_.slice(0, count_ + 1); }

  torch::Tensor of_negative() const { return of_one(count_); }  // [1,K+2]
  torch::Tensor of_inverse() const { return of_one(count_ + 1); }
  torch::Tensor of_views(const std::vector<Direction>& views) const;   // [B,K+2], each view's own prompt
  torch::Tensor of_anchors(const std::vector<size_t>& anchors) const;  // [B,K+2]

 private:
  torch::Tensor of_one(int64_t row) const;

  ViewAnchors anchors_;
  torch::Tensor table_;
  int64_t count_;  // K
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

/// The view prompt of each view [B,L,D].
torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<Direction>& views);
/// Perp-Neg's two extra prompts of each view, and the weights of the view prompt and these two.
struct PerpNegPrompts {
  std::array<torch::Tensor, 2> extra;  // [B,K+2] each, rows for ViewPrompts' table
  torch::Tensor weights;               // [3,B], on the CPU
};
PerpNegPrompts perpneg_prompts(const ViewPrompts& prompts, const std::vector<Direction>& views,
                               const PerpNegOptions& options);

/// delta [K,B,C,h,w] (eps_k - eps_negative), weights [K,B] -> [B,C,h,w]; terms with |w| <= 1e-4 are skipped.
torch::Tensor perpneg_aggregate(const torch::Tensor& delta, const torch::Tensor& weights);

}  // namespace lucid::distill
