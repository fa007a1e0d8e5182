// SPDX-License-Identifier: Apache-2.0
// Which kernel computes a layer: one choose function for each kind of layer, and nothing else decides.
// docs/dev/compute.md has the same as a table, with what each kernel gains.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/kernels/kernels.h"

namespace lucid::nn {

class Conv2dImpl;

/// Whether oneDNN is called directly on a CPU for products of this dtype: the build has it, the processor multiplies
/// such numbers, and reference operators are not asked for.
bool uses_onednn(torch::ScalarType dtype);

/// Whether a CPU kernel of ours computes element-wise operators and norms of x (float32 or bfloat16).
bool uses_cpu_kernels(const torch::Tensor& x);

/// Whether float32 kernels of every instruction set take a weight with so many output channels.
bool has_whole_panels(int64_t out_channels);

struct Conv2dChoice {
  enum class Method {
    kLibtorch,  // torch::conv2d
    kOneDnn,    // direct convolution with float32 sums, weights packed
    kWinograd,  // 3 x 3, stride 1, padding 1: `winograd`
  };
  Method method = Method::kLibtorch;
  const kernels::WinogradKernel* winograd = nullptr;
};
/// For activations x [B,in,h,w]; `extra_padding` as in Conv2dImpl::forward_padded.
Conv2dChoice choose_conv2d(const Conv2dImpl& layer, const torch::Tensor& x, int64_t extra_padding = 0);
/// Whether Winograd kernels of this layer read its filters as they are stored, which should then be contiguous.
bool winograd_reads_stored_filters(const Conv2dImpl& layer);
/// The kernel for a weight [out,in,3,3] of this dtype and activations of these sizes [B,in,h,w], with tiles in bfloat16
/// or in float32; null if there is none.
const kernels::WinogradKernel* choose_winograd(const torch::Tensor& weight, at::IntArrayRef x, bool in_bfloat16);

struct LinearOperands {
  const torch::Tensor &x, &weight, &bias;  // [...,in], [out,in], [out] or undefined
  torch::ScalarType out_dtype;
  bool may_pack;  // Layer::may_pack
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
