// SPDX-License-Identifier: Apache-2.0
// Attention modules: projections around attention(), and the cache of prompts.
#include "lucid/nn/attention_layers.h"

#include "lucid/base/error.h"
#include "lucid/nn/attention.h"
#include "lucid/nn/layout.h"
#include "lucid/nn/prompt_mix.h"

namespace lucid::nn {

AttentionImpl::AttentionImpl(int64_t width, int64_t context_width, int64_t heads, bool qkv_bias)
    : heads_(heads),
      to_q_(register_module("to_q", Linear(width, width, qkv_bias))),
      to_k_(register_module("to_k", Linear(context_width, width, qkv_bias))),
      to_v_(register_module("to_v", Linear(context_width, width, qkv_bias))),
      to_out_(width, width) {
  LUCID_CHECK(width % heads == 0, "width {}, heads {}", width, heads);
  register_module("to_out", torch::nn::ModuleList(to_out_));
}

torch::Tensor AttentionImpl::keys(const torch::Tensor& context, std::optional<torch::ScalarType> dtype) {
  return to_k_->forward(context, dtype);
}

torch::Tensor AttentionImpl::values(const torch::Tensor& context, std::optional<torch::ScalarType> dtype) {
  return to_v_->forward(context, dtype);
}

torch::Tensor AttentionImpl::attend(const torch::Tensor& tokens, const torch::Tensor& keys, const torch::Tensor& values,
                                    std::optional<torch::ScalarType> dtype) {
  return to_out_->forward(attention(to_q_->forward(tokens), keys, values, heads_), dtype);
}

torch::Tensor AttentionImpl::shares(const torch::Tensor& tokens, const torch::Tensor& keys,
                                    const torch::Tensor& wanted) {
  // Values that are 1 for the wanted tokens give their share in every channel of a head.
  const torch::Tensor values = wanted.to(keys.options()).view({1, -1, 1}).expand_as(keys).contiguous();
  return attention(to_q_->forward(tokens), keys, values, heads_).to(torch::kFloat).mean(2);
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& tokens, const torch::Tensor& context,
                                     std::optional<torch::ScalarType> dtype) {
  return attend(tokens, keys(context), values(context), dtype);
}

PromptCache::PromptCache(const std::vector<torch::nn::Module*>& networks, const torch::Tensor& prompts) {
  const torch::NoGradGuard no_grad;
  for (torch::nn::Module* network : networks) {
    for (const auto& module : network->modules()) {
      auto* attention = dynamic_cast<CrossAttentionImpl*>(module.get());
      if (attention != nullptr) cache_.emplace(attention, attention->keys_and_values(prompts));
    }
  }
}

torch::Tensor CrossAttentionImpl::keys_and_values(const torch::Tensor& prompts) {
  const torch::ScalarType wide = at::promote_types(prompts.scalar_type(), torch::kFloat);
  return torch::stack({keys(prompts, wide), values(prompts, wide)}, 1);
}

torch::Tensor CrossAttentionImpl::forward(const torch::Tensor& tokens, const Context& context,
                                          std::optional<torch::ScalarType> dtype) {
  torch::Tensor of_keys, of_values;
  if (context.cache == nullptr) {
    of_keys = keys(context.prompts);
    of_values = values(context.prompts);
  } else {
    const torch::Tensor both =
        mix_rows(context.weights, context.cache->keys_and_values(*this)).to(tokens.scalar_type());
    of_keys = both.select(1, 0);
    of_values = both.select(1, 1);
  }
  if (context.probe != nullptr) context.probe->report(shares(tokens, of_keys, context.probe->tokens));
  return attend(tokens, of_keys, of_values, dtype);
}

MapAttentionImpl::MapAttentionImpl(int64_t channels, int64_t groups, double eps)
    : AttentionImpl(channels, channels, /*heads=*/1, /*qkv_bias=*/true),
      group_norm_(register_module("group_norm", GroupNorm(groups, channels, eps))) {}

torch::Tensor MapAttentionImpl::forward(const torch::Tensor& map) {
  const torch::Tensor tokens = to_tokens(group_norm_->forward(map, output_layer().operand_dtype(map)));
  return map + to_map(AttentionImpl::forward(tokens, tokens, map.scalar_type()), map.size(2), map.size(3));
}

}  // namespace lucid::nn
