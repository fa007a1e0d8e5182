// SPDX-License-Identifier: Apache-2.0
// Prompts of a batch as mixes of the few that a run asks with, thousands of times. Keys and values are linear in a
// prompt, so that a network computes those of the few once and mixes them.
#pragma once

#include <torch/torch.h>

#include <unordered_map>
#include <utility>
#include <vector>

namespace lucid::nn {

/// weights [B,K] float32, rows [K,...] -> [B,...], row b being the sum of weights[b][k] rows[k]. Without a gradient for
/// the weights; where they lie on the CPU those of 0 cost nothing, and where each picks the same row by itself the
/// result is that row, expanded.
torch::Tensor mixed(const torch::Tensor& weights, const torch::Tensor& rows);

struct PromptMix {
  PromptMix(torch::Tensor some_prompts, torch::Tensor their_weights)
      : prompts(std::move(some_prompts)), weights(std::move(their_weights)) {}
  /// embeddings [B,L,D]: each prompt by itself.
  PromptMix(torch::Tensor embeddings)  // NOLINT(google-explicit-constructor): it means the same
      : PromptMix(embeddings, torch::eye(embeddings.size(0))) {}

  torch::Tensor embeddings() const;  // [B,L,D]

  torch::Tensor prompts;  // [K,L,D]; the same tensor from call to call keeps what was computed of it
  torch::Tensor weights;  // [B,K] float32, on the CPU
};

class PromptAttentionImpl;

/// What the cross attentions of networks have computed of some prompts. Immutable.
class KeptPrompts {
 public:
  /// prompts [K,L,D] in the networks' dtype and on their device.
  KeptPrompts(const std::vector<torch::nn::Module*>& networks, const torch::Tensor& prompts);
  /// Keys and values [K,2,L,width] of one of these attentions, float32 or wider: a mix is rounded once.
  const torch::Tensor& of(const PromptAttentionImpl& attention) const { return kept_.at(&attention); }

 private:
  std::unordered_map<const PromptAttentionImpl*, torch::Tensor> kept_;
};

/// What cross attention looks at: prompts [B,L,D], or mixes of kept ones: weights [B,K] on the networks' device.
struct Context {
  Context(torch::Tensor tokens) : prompts(std::move(tokens)) {}  // NOLINT(google-explicit-constructor): as above
  Context(const KeptPrompts& some, torch::Tensor their_weights) : kept(&some), weights(std::move(their_weights)) {}
  int64_t batch() const { return kept != nullptr ? weights.size(0) : prompts.size(0); }

  torch::Tensor prompts;              // where none are kept
  const KeptPrompts* kept = nullptr;  // not owned
  torch::Tensor weights;
};

}  // namespace lucid::nn
