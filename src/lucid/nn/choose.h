// SPDX-License-Identifier: Apache-2.0
// Which kernel computes a convolution, a linear layer or attention: one choose function for each; nothing else decides.
// docs/dev/compute.md has the same as a table, with what each kernel gains.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/compute_policy.h"
#include "lucid/nn/kernels/kernels.h"

namespace lucid::nn {

/// Whether oneDNN is called directly on a CPU for products of this dtype: the build has it, the processor multiplies
/// such numbers, and reference operators are not asked for.
bool uses_onednn(torch::ScalarType dtype);

/// Whether a CPU kernel of ours computes element-wise operators and norms of x (float32 or bfloat16).
bool uses_cpu_kernels(const torch::Tensor& x);

/// Whether the float32 kernels of every instruction set take a weight with so many output channels: their panels divide
/// it.
bool has_whole_panels(int64_t out_channels);

/// The dtype for activations of a network with operands of this dtype, on the device of `input`. On a CPU, bfloat16
/// products write float32 sums at no cost if oneDNN is called directly: rounding each map would cost precision for
/// nothing.
torch::ScalarType activation_dtype(torch::ScalarType dtype, const torch::Tensor& input);

struct Conv2dOperands {
  const torch::Tensor &x, &weight, &bias;  // [B,in,h,w], [out,in,k,k], [out]
  const ComputePolicy& policy;
  bool keeps_size;  // 3 x 3, stride 1, padding 1
};
struct Conv2dChoice {
  enum class Method {
    kLibtorch,  // torch::conv2d
    kOneDnn,    // direct convolution with float32 sums, weights packed
    kWinograd,  // 3 x 3, stride 1, padding 1: `winograd`
  };
  Method method = Method::kLibtorch;
  const kernels::WinogradKernel* winograd = nullptr;
};
Conv2dChoice choose_conv2d(const Conv2dOperands& operands);
/// Whether the Winograd kernels for this weight [out,in,3,3] read it as it is stored; it should then be contiguous.
bool winograd_reads_stored_filters(const torch::Tensor& weight, const ComputePolicy& policy);
/// The kernel for a weight [out,in,3,3] of this dtype and activations of these sizes [B,in,h,w], with tiles in bfloat16
/// or in float32; null if there is none.
const kernels::WinogradKernel* choose_winograd(const torch::Tensor& weight, at::IntArrayRef x, bool in_bfloat16);

struct LinearOperands {
  const torch::Tensor &x, &weight, &bias;  // [...,in], [out,in], [out] or undefined
  torch::ScalarType out_dtype;
  const ComputePolicy& policy;
};
struct LinearChoice {
  enum class Method {
    kLibtorch,  // torch::linear
    kOneDnn,    // weights packed, any output dtype
    kPanels,    // float32 kernel of ours, weights as stored: `panels`
  };
  Method method = Method::kLibtorch;
  const kernels::LinearKernel* panels = nullptr;
};
LinearChoice choose_linear(const LinearOperands& operands);

struct AttentionChoice {
  enum class Method {
    kKernel,    // fused kernel of ours, without a gradient: `kernel`
    kLibtorch,  // scaled_dot_product_attention of libtorch 2
    kMatmul,    // matrix products and softmax, in chunks of rows
  };
  Method method = Method::kMatmul;
  const kernels::AttentionKernel* kernel = nullptr;
};
/// q [B,N,heads*d], k and v [B,M,heads*d].
AttentionChoice choose_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads);

}  // namespace lucid::nn
