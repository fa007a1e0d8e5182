// SPDX-License-Identifier: Apache-2.0
// fused.h's operations on a GPU where this build has kernels for them (cuda/): tensors in, tensors out, with a gradient
// where it says so. A frozen network's biases are added by whatever reads a convolution's map next; as passes of their
// own, with norms that want another layout, they are more than half of Stable Diffusion's time on an H200.
#pragma once

#include <torch/torch.h>

namespace lucid::nn::gpu {

/// Whether there are kernels for x's device and dtype, and for so many channels.
bool takes(const torch::Tensor& x, int64_t channels);
/// Whether group_norm takes map [B,C,h,w].
bool takes_groups(const torch::Tensor& map, int64_t groups);
/// Whether layer_norm and sum, which have no gradient, take tokens [...,C].
bool takes_rows(const torch::Tensor& tokens);
/// Whether gated_gelu, which has none either, takes halves [...,2F].
bool takes_halves(const torch::Tensor& halves);

/// GroupNorm of map + shift [C], [B,C] or undefined, then SiLU if asked; with gradients to all but the shift.
torch::Tensor group_norm(const torch::Tensor& map, const torch::Tensor& shift, torch::nn::GroupNorm& norm, bool silu);
/// LayerNorm, in `type`: the tokens' own, or bfloat16. With a part, tokens += part first, in place.
torch::Tensor layer_norm(const torch::Tensor& tokens, const torch::Tensor& part, torch::nn::LayerNorm& norm,
                         torch::ScalarType type);
torch::Tensor gated_gelu(const torch::Tensor& halves);
/// a + b in b's type; a is in the same, or in float32.
torch::Tensor sum(const torch::Tensor& a, const torch::Tensor& b);
/// Maps [B,C,h,w] a + b + biases [C], each undefined or not; with a gradient to a and b.
torch::Tensor sum_of_maps(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& bias,
                          const torch::Tensor& other_bias);

}  // namespace lucid::nn::gpu
