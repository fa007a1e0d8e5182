// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention as an operator on tensors; attention_layers.h has the modules.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {
namespace kernels {
struct AttentionKernel;
}

/// softmax(q kᵀ / √d) v for each head. q [B,N,heads*d], k and v [B,M,heads*d] -> [B,N,heads*d].
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads);

/// The same by one CPU kernel, in its dtype, without a gradient. attention() picks a kernel by choose_attention().
torch::Tensor attention_by_kernel(const kernels::AttentionKernel& kernel, torch::Tensor q, torch::Tensor k,
                                  torch::Tensor v, int64_t heads);

}  // namespace lucid::nn
