// SPDX-License-Identifier: Apache-2.0
// Forward passes of the transformer block and of its feed-forward layer.
#include "lucid/diffusion/transformer.h"

#include "lucid/nn/geglu.h"
#include "lucid/nn/layout.h"
#include "lucid/nn/residual_sum.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::diffusion {
namespace {

constexpr double kNormEps = 1e-6;  // of the GroupNorm; a constant in diffusers, independent of norm_eps
constexpr int64_t kExpansion = 4;  // width of the feed-forward layer / width of the tokens

nn::Linear projection(const TransformerSizes& sizes) {
  return nn::Linear(
      nn::LinearOptions{.in = sizes.channels, .out = sizes.channels, .stored_as_conv = !sizes.linear_projection});
}

}  // namespace

FeedForwardImpl::FeedForwardImpl(int64_t width)
    : proj_(width, 2 * kExpansion * width), out_(kExpansion * width, width) {
  torch::nn::ModuleList geglu;
  geglu->register_module("proj", proj_);
  // net.1 is dropout in diffusers.
  register_module("net", torch::nn::ModuleList(geglu, torch::nn::Identity(), out_));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& tokens, torch::ScalarType dtype) {
  return out_->forward(nn::gated_gelu(proj_->forward(tokens)), dtype);
}

TransformerBlockImpl::TransformerBlockImpl(int64_t width, int64_t context_width, int64_t heads)
    : norm1_(register_module("norm1", nn::LayerNorm(width))),
      norm2_(register_module("norm2", nn::LayerNorm(width))),
      norm3_(register_module("norm3", nn::LayerNorm(width))),
      attn1_(register_module("attn1", nn::Attention(width, width, heads, /*qkv_bias=*/false))),
      attn2_(register_module("attn2", nn::CrossAttention(width, context_width, heads))),
      ff_(register_module("ff", FeedForward(width))) {}

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& tokens, const nn::Context& context, int64_t views) {
  const bool in_float32 = tokens.scalar_type() == torch::kBFloat16 && !torch::GradMode::is_enabled() &&
                          !tensor::ReferenceOpsGuard::active();
  nn::ResidualSum x(tokens, in_float32);
  const torch::Tensor normed = x.normalise(norm1_);
  // [B,N,C] is [B/views, views*N, C] in memory.
  const torch::Tensor joint = normed.reshape({normed.size(0) / views, views * normed.size(1), normed.size(2)});
  x.add(attn1_(joint, joint, x.branch_dtype()).reshape(normed.sizes()));
  x.add(attn2_(x.normalise(norm2_), context, x.branch_dtype()));
  x.add(ff_(x.normalise(norm3_), x.branch_dtype()));
  return x.total();
}

Transformer2DImpl::Transformer2DImpl(const TransformerSizes& sizes)
    : norm_(register_module("norm", nn::GroupNorm(sizes.groups, sizes.channels, kNormEps))),
      proj_in_(register_module("proj_in", projection(sizes))),
      proj_out_(register_module("proj_out", projection(sizes))) {
  torch::nn::ModuleList blocks;
  for (int64_t i = 0; i < sizes.depth; ++i)
    blocks->push_back(blocks_.emplace_back(sizes.channels, sizes.context_width, sizes.heads));
  register_module("transformer_blocks", blocks);
}

torch::Tensor Transformer2DImpl::forward(const torch::Tensor& map, const nn::Context& context, int64_t views) {
  const torch::Tensor normed = norm_->forward(map, proj_in_->operand_dtype(map));
  torch::Tensor tokens = proj_in_->forward(nn::to_tokens(normed));
  for (TransformerBlock& block : blocks_) tokens = block(tokens, context, views);
  return map + nn::to_map(proj_out_->forward(tokens, map.scalar_type()), map.size(2), map.size(3));
}

}  // namespace lucid::diffusion
