// SPDX-License-Identifier: Apache-2.0
// Linear layers in float32 by our panel kernel (kernels/linear_kernel.h): for weights stored in 16 bits, and for small
// float32 weights, where libraries take up to half as long again for the few rows of a small map.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {
namespace kernels {
struct LinearKernel;
}

/// x [...,in] float32, contiguous; weight [out,in] float32, float16 or bfloat16, the kernel's panel dividing out; bias
/// [out] float32 or undefined -> x weightᵀ + bias [...,out].
torch::Tensor panel_linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                           const kernels::LinearKernel& kernel);

}  // namespace lucid::nn
