// SPDX-License-Identifier: Apache-2.0
// Attention modules with diffusers' parameter names: self attention, cross attention with the prompts, and the VAE's.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lucid/nn/linear.h"
#include "lucid/nn/norm.h"

namespace lucid::nn {

/// Multi-head attention with its projections: to_q, to_k, to_v, to_out.0.
class AttentionImpl : public torch::nn::Module {
 public:
  /// width: of the tokens, from which queries are made. context_width: of the context, from which keys and values are.
  AttentionImpl(int64_t width, int64_t context_width, int64_t heads, bool qkv_bias);
  /// tokens [B,N,width], context [B,M,context_width] -> [B,N,width], in the tokens' dtype or in the one given.
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& context,
                        std::optional<torch::ScalarType> dtype = std::nullopt);

 protected:
  const Layer& output_layer() const { return *to_out_; }
  /// Keys and values [B,M,width] of a context [B,M,context_width].
  torch::Tensor keys(const torch::Tensor& context, std::optional<torch::ScalarType> dtype = std::nullopt);
  torch::Tensor values(const torch::Tensor& context, std::optional<torch::ScalarType> dtype = std::nullopt);
  /// The share of the context's `wanted` tokens [M] in the attention of each token, mean over the heads. [B,N]
  torch::Tensor shares(const torch::Tensor& tokens, const torch::Tensor& keys, const torch::Tensor& wanted);
  /// forward() from keys and values.
  torch::Tensor attend(const torch::Tensor& tokens, const torch::Tensor& keys, const torch::Tensor& values,
                       std::optional<torch::ScalarType> dtype);

 private:
  int64_t heads_;
  Linear to_q_, to_k_, to_v_, to_out_;
};
TORCH_MODULE(Attention);

class CrossAttentionImpl;

/// Keys and values of a run's few prompts, computed once for every cross attention of some networks. Keys and values
/// are linear in a prompt, so those of a mix of prompts are the mix of theirs. Immutable.
class PromptCache {
 public:
  /// prompts [K,L,D] in the networks' dtype and on their device.
  PromptCache(const std::vector<torch::nn::Module*>& networks, const torch::Tensor& prompts);
  /// [K,2,L,width] for one of these attentions, float32 or wider, so that a mix is rounded once.
  const torch::Tensor& keys_and_values(const CrossAttentionImpl& attention) const { return cache_.at(&attention); }

 private:
  std::unordered_map<const CrossAttentionImpl*, torch::Tensor> cache_;
};

/// Asks every cross attention of a forward pass how much its image tokens attend to some of the prompt's.
struct AttentionProbe {
  torch::Tensor tokens;  // [L], 1 for the prompt's tokens that are asked for, 0 for the others
  /// Called with [B,N] of each layer in turn: the share of those tokens, mean over the heads.
  std::function<void(const torch::Tensor&)> report;
};

/// What cross attention attends to: prompts [B,L,D], or mixes of cached prompts with weights [B,K] on the networks'
/// device.
struct Context {
  Context(torch::Tensor tokens)
      : prompts(std::move(tokens)) {}  // NOLINT(google-explicit-constructor): prompts are a context
  Context(const PromptCache& some_prompts, torch::Tensor mix_weights)
      : cache(&some_prompts), weights(std::move(mix_weights)) {}
  int64_t batch() const { return cache != nullptr ? weights.size(0) : prompts.size(0); }

  torch::Tensor prompts;                  // if there is no cache
  const PromptCache* cache = nullptr;     // not owned
  torch::Tensor weights;                  // [B,K], if there is a cache
  const AttentionProbe* probe = nullptr;  // not owned; null: nobody asks
};

/// Cross attention: image tokens attend to prompts.
class CrossAttentionImpl : public AttentionImpl {
 public:
  CrossAttentionImpl(int64_t width, int64_t context_width, int64_t heads)
      : AttentionImpl(width, context_width, heads, /*qkv_bias=*/false) {}
  torch::Tensor forward(const torch::Tensor& tokens, const Context& context,
                        std::optional<torch::ScalarType> dtype = std::nullopt);
  /// For a PromptCache: prompts [K,M,context_width] -> keys and values [K,2,M,width], float32 or wider.
  torch::Tensor keys_and_values(const torch::Tensor& prompts);
};
TORCH_MODULE(CrossAttention);

/// The VAE's self attention over all pixels: one head, its own group_norm before it, a residual around it.
/// [B,C,h,w] -> the same.
class MapAttentionImpl : public AttentionImpl {
 public:
  MapAttentionImpl(int64_t channels, int64_t groups, double eps);
  torch::Tensor forward(const torch::Tensor& map);

 private:
  GroupNorm group_norm_;
};
TORCH_MODULE(MapAttention);

}  // namespace lucid::nn
