// SPDX-License-Identifier: Apache-2.0
// PromptMix: the prompts of a batch as mixes (weighted sums) of the few prompts of a run.
#pragma once

#include <torch/torch.h>

#include <utility>

namespace lucid::nn {

/// weights [B,K] float32, rows [K,...] -> [B,...]: row b is the sum over k of weights[b][k] rows[k]. No gradient of the
/// weights. If the weights lie on the CPU, zero weights cost nothing, and if every b picks the same single row, the
/// result is that row, expanded.
torch::Tensor mix_rows(const torch::Tensor& weights, const torch::Tensor& rows);

/// Row b of the batch is the sum over k of weights[b][k] prompts[k].
struct PromptMix {
  PromptMix(torch::Tensor some_prompts, torch::Tensor mix_weights, torch::Tensor prompt_vectors = {})
      : prompts(std::move(some_prompts)), weights(std::move(mix_weights)), vectors(std::move(prompt_vectors)) {}
  /// embeddings [B,L,D]: each prompt by itself.
  PromptMix(torch::Tensor embeddings)  // NOLINT(google-explicit-constructor): a batch of prompts is a mix
      : PromptMix(embeddings, torch::eye(embeddings.size(0))) {}

  torch::Tensor embeddings() const;  // [B,L,D]

  torch::Tensor prompts;  // [K,L,D]; networks cache what they compute of it while it stays the same tensor
  torch::Tensor weights;  // [B,K] float32, on the CPU
  torch::Tensor vectors;  // [K,V], mixed by the same weights: what SDXL adds to the time embedding; else undefined
};

}  // namespace lucid::nn
