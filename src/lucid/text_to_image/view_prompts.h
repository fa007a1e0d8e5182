// SPDX-License-Identifier: Apache-2.0
// View-dependent prompts: the embedded prompts of the view anchors, interpolated by a view's direction.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/text_to_image/view_anchors.h"

namespace lucid::text_to_image {

/// Where a view looks from, degrees (any turn; above the horizon).
struct Direction {
  double azimuth = 0, elevation = 0;
};

/// The few prompts of a run in one table, and how what a U-Net is asked with is mixed from them: rows of weights
/// [...,K+2] for nn::PromptMix, on the CPU.
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

  torch::Tensor negative_weights() const { return one_hot(count_); }  // [1,K+2]
  torch::Tensor inverse_weights() const { return one_hot(count_ + 1); }
  torch::Tensor view_weights(const std::vector<Direction>& views) const;   // [B,K+2], each view's own prompt
  torch::Tensor anchor_weights(const std::vector<size_t>& anchors) const;  // [B,K+2]

 private:
  torch::Tensor one_hot(int64_t row) const;

  ViewAnchors anchors_;
  torch::Tensor table_;
  int64_t count_;  // K
};

/// The view prompt of each view [B,L,D].
torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<Direction>& views);

}  // namespace lucid::text_to_image
