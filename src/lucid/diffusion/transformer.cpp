// SPDX-License-Identifier: Apache-2.0
// See transformer.h.
#include "lucid/diffusion/transformer.h"

#include "lucid/nn/conv2d.h"
#include "lucid/nn/layers.h"
#include "lucid/nn/norm.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::diffusion {
namespace {

constexpr double kNormEps = 1e-6;  // of the GroupNorm; fixed in diffusers, whatever norm_eps says
constexpr int64_t kExpansion = 4;

torch::nn::LayerNorm layer_norm(int64_t width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})); }

}  // namespace

FeedForwardImpl::FeedForwardImpl(int64_t width)
    : proj_(nn::linear(width, 2 * kExpansion * width)), out_(nn::linear(kExpansion * width, width)) {
  torch::nn::ModuleList geglu;
  geglu->register_module("proj", proj_);
  // net.1 is diffusers' dropout.
  register_module("net", torch::nn::ModuleList(geglu, torch::nn::Identity(), out_));
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& tokens, torch::ScalarType type) {
  return nn::applied(out_, nn::gated_gelu(nn::applied(proj_, tokens)), type);
}

TransformerBlockImpl::TransformerBlockImpl(int64_t width, int64_t context_width, int64_t heads)
    : norm1_(register_module("norm1", layer_norm(width))),
      norm2_(register_module("norm2", layer_norm(width))),
      norm3_(register_module("norm3", layer_norm(width))),
      attn1_(register_module("attn1", nn::Attention(width, width, heads, /*bias_of_qkv=*/false))),
      attn2_(register_module("attn2", nn::PromptAttention(width, context_width, heads))),
      ff_(register_module("ff", FeedForward(width))) {}

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& tokens, const nn::Context& context) {
  // Sums in float32 where no gradient is wanted.
  const bool wide =
      tokens.scalar_type() == torch::kBFloat16 && !torch::GradMode::is_enabled() && !tensor::PlainOperators::wanted();
  nn::RunningSum x(tokens, wide);
  const torch::Tensor own = x.normalised(norm1_);
  x.add(attn1_(own, own, x.type_of_parts()));
  x.add(attn2_(x.normalised(norm2_), context, x.type_of_parts()));
  x.add(ff_(x.normalised(norm3_), x.type_of_parts()));
  return x.total();
}

ProjectionImpl::ProjectionImpl(int64_t channels, bool stored_as_linear) {
  const torch::nn::Linear initial = nn::linear(channels, channels);
  weight_ = initial->weight.detach();
  weight_ = register_parameter("weight", stored_as_linear ? weight_ : weight_.unsqueeze(-1).unsqueeze(-1));
  bias_ = register_parameter("bias", initial->bias.detach());
}

torch::Tensor ProjectionImpl::forward(const torch::Tensor& tokens, std::optional<torch::ScalarType> type) {
  return nn::linear_of(tokens, {.weight = weight_.flatten(1), .bias = bias_, .packed = packed()}, type);
}

Transformer2DImpl::Transformer2DImpl(const TransformerSizes& sizes)
    : norm_(register_module("norm", nn::group_norm(sizes.groups, sizes.channels, kNormEps))),
      proj_in_(register_module("proj_in", Projection(sizes.channels, sizes.linear_projection))),
      proj_out_(register_module("proj_out", Projection(sizes.channels, sizes.linear_projection))),
      block_(sizes.channels, sizes.context_width, sizes.heads) {
  register_module("transformer_blocks", torch::nn::ModuleList(block_));
}

torch::Tensor Transformer2DImpl::forward(const torch::Tensor& map, const nn::Context& context) {
  const torch::ScalarType type = nn::type_beside(map, proj_in_->bias());
  const torch::Tensor tokens =
      block_(proj_in_(nn::to_tokens(nn::normalised(map, norm_, nn::After::kNothing, type))), context);
  return map + nn::to_map(proj_out_(tokens, map.scalar_type()), map.size(2), map.size(3));
}

}  // namespace lucid::diffusion
