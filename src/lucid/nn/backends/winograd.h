// SPDX-License-Identifier: Apache-2.0
// 3 x 3 convolutions by Winograd's minimal filtering (kernels/winograd_kernel.h): less than half the time of the best
// direct convolution where multiplications are the limit. choose.h says when, and by which kernel.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {
namespace kernels {
struct WinogradKernel;
}

/// One layer's filters, transformed for the kernels that do not transform them themselves (bfloat16 tiles: 16 numbers
/// in place of 9). Filled when first needed; filled again when the weight changes, if autograd sees it (not through
/// .data()). Thread-safe.
using WinogradFilterCache = c10::intrusive_ptr<torch::CustomClassHolder>;
WinogradFilterCache make_winograd_filter_cache();

/// Stride 1, padding 1. x [B,in,h,w] float32, weight [out,in,3,3], bias [out] or undefined -> [B,out,h,w] float32; maps
/// are channels-last. The kernel's panel divides both numbers of channels.
torch::Tensor winograd_convolution(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                   const kernels::WinogradKernel& kernel, const WinogradFilterCache& cache);
/// Its adjoint: d_y [B,out,h,w] -> d_x [B,in,h,w], likewise.
torch::Tensor winograd_gradient(const torch::Tensor& d_y, const torch::Tensor& weight,
                                const kernels::WinogradKernel& kernel, const WinogradFilterCache& cache);

}  // namespace lucid::nn
