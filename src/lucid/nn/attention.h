// SPDX-License-Identifier: Apache-2.0
// Attention: the one function that computes it, and the modules around it with diffusers' parameter names.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/nn/prompt_mix.h"

namespace lucid::nn {

/// softmax(q kᵀ / √d) v, head by head. q [B,N,heads*d], k and v [B,M,heads*d] -> [B,N,heads*d].
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads);

namespace kernels {
struct AttentionKernel;
}
/// The same by one kernel (cpu/attention_kernel.h), of its type, without a gradient; attend() takes the best where it
/// can.
torch::Tensor attend_by(const kernels::AttentionKernel& kernel, torch::Tensor q, torch::Tensor k, torch::Tensor v,
                        int64_t heads);

/// to_q, to_k, to_v, to_out.0.
class AttentionImpl : public torch::nn::Module {
 public:
  /// width of the queries' tokens, width of the keys' and values' tokens.
  AttentionImpl(int64_t width, int64_t context_width, int64_t heads, bool bias_of_qkv);
  /// tokens [B,N,width], context [B,M,context_width] -> [B,N,width], in the one type or in the other asked for.
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& context,
                        std::optional<torch::ScalarType> type = std::nullopt);

 protected:
  const torch::Tensor& bias() const { return to_out_->bias; }
  /// Of a context [B,M,context_width]: [B,M,width].
  torch::Tensor keys(const torch::Tensor& context, std::optional<torch::ScalarType> type = std::nullopt);
  torch::Tensor values(const torch::Tensor& context, std::optional<torch::ScalarType> type = std::nullopt);
  /// forward() from a context's keys and values.
  torch::Tensor look(const torch::Tensor& tokens, const torch::Tensor& keys, const torch::Tensor& values,
                     std::optional<torch::ScalarType> type);

 private:
  int64_t heads_;
  torch::nn::Linear to_q_, to_k_, to_v_, to_out_;
};
TORCH_MODULE(Attention);

/// Cross attention: pixels look at prompts, of which keys and values may have been kept.
class PromptAttentionImpl : public AttentionImpl {
 public:
  PromptAttentionImpl(int64_t width, int64_t context_width, int64_t heads)
      : AttentionImpl(width, context_width, heads, /*bias_of_qkv=*/false) {}
  torch::Tensor forward(const torch::Tensor& tokens, const Context& context,
                        std::optional<torch::ScalarType> type = std::nullopt);
  /// Both of prompts [K,M,context_width]: [K,2,M,width], float32 or wider.
  torch::Tensor keys_and_values(const torch::Tensor& prompts);
};
TORCH_MODULE(PromptAttention);

/// The VAE's: one head over all pixels, its own group_norm before it, the input added after it. [B,C,h,w] -> the same.
class MapAttentionImpl : public AttentionImpl {
 public:
  MapAttentionImpl(int64_t channels, int64_t groups, double eps);
  torch::Tensor forward(const torch::Tensor& map);

 private:
  torch::nn::GroupNorm group_norm_;
};
TORCH_MODULE(MapAttention);

}  // namespace lucid::nn
