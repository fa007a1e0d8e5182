// SPDX-License-Identifier: Apache-2.0
// Transformer2DModel of diffusers with its BasicTransformerBlocks: self attention, cross attention with the prompt, and
// a feed-forward layer.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/nn/attention_layers.h"

namespace lucid::diffusion {

/// net.0.proj, net.2: a projection to 8 * width, a * gelu(b) of its halves [a, b], a projection back to `width`. Output
/// in `dtype`.
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(int64_t width);
  torch::Tensor forward(const torch::Tensor& tokens, torch::ScalarType dtype);

 private:
  nn::Linear proj_, out_;
};
TORCH_MODULE(FeedForward);

/// norm1, attn1 (self attention), norm2, attn2 (cross attention with the prompt), norm3, ff, each with a residual.
/// tokens [B,N,width] -> the same. `views` consecutive rows are views of one object, whose tokens attend to each other
/// in attn1; B is a multiple of it.
class TransformerBlockImpl : public torch::nn::Module {
 public:
  TransformerBlockImpl(int64_t width, int64_t context_width, int64_t heads);
  torch::Tensor forward(const torch::Tensor& tokens, const nn::Context& context, int64_t views = 1);

 private:
  nn::LayerNorm norm1_, norm2_, norm3_;
  nn::Attention attn1_;
  nn::CrossAttention attn2_;
  FeedForward ff_;
};
TORCH_MODULE(TransformerBlock);

struct TransformerSizes {
  int64_t channels = 0, context_width = 0, heads = 1, groups = 32;
  int64_t depth = 1;               // blocks one after the other
  bool linear_projection = false;  // proj_in and proj_out are stored as [C,C] (SD 2.x), not as [C,C,1,1]
};

/// norm, proj_in, transformer_blocks.0, .1, ..., proj_out, and a residual. map [B,C,h,w], a context of batch B ->
/// [B,C,h,w].
/// `views`: see TransformerBlockImpl.
class Transformer2DImpl : public torch::nn::Module {
 public:
  explicit Transformer2DImpl(const TransformerSizes& sizes);
  torch::Tensor forward(const torch::Tensor& map, const nn::Context& context, int64_t views = 1);

 private:
  nn::GroupNorm norm_;
  nn::Linear proj_in_, proj_out_;
  std::vector<TransformerBlock> blocks_;
};
TORCH_MODULE(Transformer2D);

}  // namespace lucid::diffusion
