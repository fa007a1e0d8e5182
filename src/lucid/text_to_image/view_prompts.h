// SPDX-License-Identifier: Apache-2.0
// View-dependent prompts: the prompt's embedding per view anchor, and interpolation weights for any view direction.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/nn/prompt_mix.h"
#include "lucid/text_to_image/view_anchors.h"

namespace lucid::text_to_image {

/// Direction that a view looks from: azimuth (any turn) and elevation above the horizon, degrees.
struct Direction {
  double azimuth = 0, elevation = 0;
};

/// The prompt embeddings of a run as K+2 rows of one table: K view anchors, negative prompt, inverse prompt. A prompt
/// for the U-Net is a row of weights over that table (nn::PromptMix), on the CPU. The table has K+2 rows, or those of
/// two prompts (share_table()); R is its number of rows.
class ViewPrompts {
 public:
  /// embeddings [K,L,D]: "{text}, front view" … for the K anchors. negative [1,L,D]: the unconditional prompt of
  /// classifier-free guidance. inverse [1,L,D]: the prompt of the DDIM inversion.
  ViewPrompts(ViewAnchors anchors, const torch::Tensor& embeddings, const torch::Tensor& negative,
              const torch::Tensor& inverse);

  /// SDXL: what is added to the time embedding for each row of the table, [K+2,V].
  void set_vectors(const torch::Tensor& vectors);

  /// Puts the rows of both into one table. A U-Net caches what it computes of a table, so prompts that are asked about
  /// in turn should share one.
  static void share_table(ViewPrompts& a, ViewPrompts& b);

  const ViewAnchors& anchors() const { return anchors_; }
  const torch::Tensor& table() const { return table_; }  // [R,L,D]
  /// The prompts of a batch, weights [B,R], as a U-Net takes them.
  nn::PromptMix mix(const torch::Tensor& weights) const { return {table_, weights, vectors_}; }
  torch::Tensor embeddings() const { return table_.slice(0, first_, first_ + count_); }
  torch::Tensor negative() const { return table_.slice(0, first_ + count_, first_ + count_ + 1); }
  torch::Tensor inverse() const { return table_.slice(0, first_ + count_ + 1, first_ + count_ + 2); }

  torch::Tensor negative_weights() const { return one_hot(count_); }  // [1,R], as inverse_weights()
  torch::Tensor inverse_weights() const { return one_hot(count_ + 1); }
  torch::Tensor view_weights(const std::vector<Direction>& views) const;   // [B,R], interpolated by direction
  torch::Tensor anchor_weights(const std::vector<size_t>& anchors) const;  // [B,R], one-hot

 private:
  torch::Tensor one_hot(int64_t row) const;  // of the own rows

  ViewAnchors anchors_;
  torch::Tensor table_;
  torch::Tensor vectors_;  // [R,V] on the CPU, or undefined
  int64_t count_;          // K
  int64_t first_ = 0;      // the first own row
};

/// The interpolated prompt embedding of each view, [B,L,D].
torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<Direction>& views);

}  // namespace lucid::text_to_image
