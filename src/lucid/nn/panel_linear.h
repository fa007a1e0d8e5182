// SPDX-License-Identifier: Apache-2.0
// Linear layers in float32 by cpu/linear_kernel.h: those of weights kept in 16 bits, and of small ones where libtorch
// takes up to half as long again for the few rows of a small map.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {

namespace kernels {
struct LinearKernel;
}

/// Whether this processor's kernel is faster than the libraries where it counts. Then oneDNN keeps no float32 weights.
bool float_linear_outdoes_libraries();

/// Whether x weightᵀ of such a weight [out,in] is computed so.
bool takes_float_linear(const torch::Tensor& weight);

/// x [...,in] float32 without gaps, weight [out,in] float32, float16 or bfloat16, bias [out] float32 or undefined ->
/// [...,out]. By the fastest kernel here, or by another.
torch::Tensor float_linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                           const kernels::LinearKernel* kernel = nullptr);

}  // namespace lucid::nn
