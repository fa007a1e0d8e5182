// SPDX-License-Identifier: Apache-2.0
// See transformer.h.
#include "lucid/diffusion/transformer.h"

#include "lucid/diffusion/fused.h"
#include "lucid/diffusion/layers.h"
#include "lucid/diffusion/plain.h"
#include "lucid/diffusion/wide_convolution.h"

namespace lucid::diffusion {
namespace {

constexpr double kNormEps = 1e-6;  // of the GroupNorm; fixed in diffusers, whatever norm_eps says
constexpr int64_t kExpansion = 4;

torch::nn::LayerNorm layer_norm(int64_t width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})); }

}  // namespace

FeedForwardImpl::FeedForwardImpl(int64_t width)
    : proj_(linear(width, 2 * kExpansion * width)), out_(linear(kExpansion * width, width)) {
  torch::nn::ModuleList geglu;
  geglu->register_module("proj", proj_);
  // net.1 is diffusers' dropout.
  register_module("net", torch::nn::ModuleList(geglu, torch::nn::Identity(), out_));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& tokens, torch::ScalarType type) {
  return applied(out_, gated_gelu(applied(proj_, tokens)), type);
}

TransformerBlockImpl::TransformerBlockImpl(int64_t width, int64_t context_width, int64_t heads)
    : norm1_(register_module("norm1", layer_norm(width))),
      norm2_(register_module("norm2", layer_norm(width))),
      norm3_(register_module("norm3", layer_norm(width))),
      attn1_(register_module("attn1", Attention(width, width, heads, /*bias_of_qkv=*/false))),
      attn2_(register_module("attn2", PromptAttention(width, context_width, heads))),
      ff_(register_module("ff", FeedForward(width))) {}

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& tokens, const Context& context) {
  // Sums in float32 where no gradient is wanted.
  const bool wide =
      tokens.scalar_type() == torch::kBFloat16 && !torch::GradMode::is_enabled() && !PlainOperators::wanted();
  RunningSum x(tokens, wide);
  const torch::Tensor own = x.normalised(norm1_);
  x.add(attn1_(own, own, x.type_of_parts()));
  x.add(attn2_(x.normalised(norm2_), context, x.type_of_parts()));
  x.add(ff_(x.normalised(norm3_), x.type_of_parts()));
  return x.total();
}

ProjectionImpl::ProjectionImpl(int64_t channels, bool stored_as_linear) {
  const torch::nn::Linear initial = linear(channels, channels);
  weight_ = initial->weight.detach();
  weight_ = register_parameter("weight", stored_as_linear ? weight_ : weight_.unsqueeze(-1).unsqueeze(-1));
  bias_ = register_parameter("bias", initial->bias.detach());
}

torch::Tensor ProjectionImpl::forward(const torch::Tensor& tokens, std::optional<torch::ScalarType> type) {
  return linear_of(tokens, {.weight = weight_.flatten(1), .bias = bias_, .packed = packed()}, type);
}

Transformer2DImpl::Transformer2DImpl(const TransformerSizes& sizes)
    : norm_(register_module("norm", group_norm(sizes.groups, sizes.channels, kNormEps))),
      proj_in_(register_module("proj_in", Projection(sizes.channels, sizes.linear_projection))),
      proj_out_(register_module("proj_out", Projection(sizes.channels, sizes.linear_projection))),
      block_(sizes.channels, sizes.context_width, sizes.heads) {
  register_module("transformer_blocks", torch::nn::ModuleList(block_));
}

torch::Tensor Transformer2DImpl::forward(const torch::Tensor& map, const Context& context) {
  const torch::ScalarType type = type_beside(map, proj_in_->bias());
  const torch::Tensor tokens = block_(proj_in_(to_tokens(normalised(map, norm_, After::kNothing, type))), context);
  return map + to_map(proj_out_(tokens, map.scalar_type()), map.size(2), map.size(3));
}

}  // namespace lucid::diffusion
