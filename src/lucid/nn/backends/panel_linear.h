// SPDX-License-Identifier: Apache-2.0
// Linear layers in float32 by a kernel of kernels/linear_kernel.h on several threads: for weights stored in 16 bits,
// and for small float32 weights, for which oneDNN and OpenBLAS take up to 1.5 times as long if there are few rows.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {
namespace kernels {
struct LinearKernel;
}

/// x [...,in] float32, contiguous; weight [out,in] float32, float16 or bfloat16, `out` a multiple of the
/// kernel's panel; bias [out] float32 or undefined -> x weightᵀ + bias [...,out].
torch::Tensor panel_linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                           const kernels::LinearKernel& kernel);

}  // namespace lucid::nn
