// SPDX-License-Identifier: Apache-2.0
// Transformer2DModel of diffusers with one BasicTransformerBlock: how the prompt reaches the picture.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/attention_layers.h"

namespace lucid::diffusion {

/// net.0.proj, net.2: x -> a * gelu(b), (a,b) = the halves of a projection to 8 widths; back to one.
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(int64_t width);
  torch::Tensor forward(const torch::Tensor& tokens, torch::ScalarType dtype);

 private:
  nn::Linear proj_, out_;
};
TORCH_MODULE(FeedForward);

/// norm1, attn1 (pixels look at pixels), norm2, attn2 (pixels look at the prompt), norm3, ff.
class TransformerBlockImpl : public torch::nn::Module {
 public:
  TransformerBlockImpl(int64_t width, int64_t context_width, int64_t heads);
  torch::Tensor forward(const torch::Tensor& tokens, const nn::Context& context);

 private:
  nn::LayerNorm norm1_, norm2_, norm3_;
  nn::Attention attn1_;
  nn::CrossAttention attn2_;
  FeedForward ff_;
};
TORCH_MODULE(TransformerBlock);

struct TransformerSizes {
  int64_t channels = 0, context_width = 0, heads = 1, groups = 32;
  bool linear_projection = false;  // proj_in and proj_out are stored as [C,C] (SD 2.x), not as [C,C,1,1]
};

/// norm, proj_in, transformer_blocks.0, proj_out. map [B,C,h,w], context of B -> [B,C,h,w].
class Transformer2DImpl : public torch::nn::Module {
 public:
  explicit Transformer2DImpl(const TransformerSizes& sizes);
  torch::Tensor forward(const torch::Tensor& map, const nn::Context& context);

 private:
  nn::GroupNorm norm_;
  nn::Linear proj_in_, proj_out_;
  TransformerBlock block_;
};
TORCH_MODULE(Transformer2D);

}  // namespace lucid::diffusion
