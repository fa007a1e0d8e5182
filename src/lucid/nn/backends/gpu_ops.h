// SPDX-License-Identifier: Apache-2.0
// Norms, the gated GELU and sums on a GPU as operators on tensors, by this build's kernels (cuda/device_kernels.h).
// They are fused since as separate passes over memory biases, norms and layout copies are more than half of Stable
// Diffusion's time on an H200. Call one only if its takes…() says so; a gradient exists where stated.
#pragma once

#include <torch/torch.h>

namespace lucid::nn::gpu {

/// Whether there are kernels for x's device and dtype and for so many channels.
bool takes(const torch::Tensor& x, int64_t channels);
/// Whether group_norm takes map [B,C,h,w].
bool takes_groups(const torch::Tensor& map, int64_t groups);
/// Whether layer_norm and sum, which have no gradient, take tokens [...,C].
bool takes_rows(const torch::Tensor& tokens);
/// Whether gated_gelu, which has no gradient, takes halves [...,2F].
bool takes_halves(const torch::Tensor& halves);

struct NormParameters {
  const torch::Tensor &weight, &bias;  // [C]
  double eps;
};
struct GroupNormOptions {
  int64_t groups;
  bool silu;
};
/// GroupNorm of map + shift, shift [C], [B,C] or undefined, then SiLU if asked. Gradients to all but the shift.
torch::Tensor group_norm(const torch::Tensor& map, const torch::Tensor& shift, const NormParameters& norm,
                         const GroupNormOptions& options);
/// LayerNorm in `dtype`: the tokens' own, or bfloat16. If `branch` is defined, tokens += branch first, in place.
torch::Tensor layer_norm(const torch::Tensor& tokens, const torch::Tensor& branch, const NormParameters& norm,
                         torch::ScalarType dtype);
/// a * gelu(b) of the halves [a, b] of the last axis: [...,2F] -> [...,F].
torch::Tensor gated_gelu(const torch::Tensor& halves);
/// a + b in b's dtype; a has the same, or float32.
torch::Tensor sum(const torch::Tensor& a, const torch::Tensor& b);
/// a + b + bias + other_bias of maps [B,C,h,w], biases [C] or undefined. Gradients to a and b.
torch::Tensor sum_of_maps(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& bias,
                          const torch::Tensor& other_bias);

}  // namespace lucid::nn::gpu
