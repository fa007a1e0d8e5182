// SPDX-License-Identifier: Apache-2.0
// 3 x 3 convolutions (stride 1, padding 1) by the Winograd kernels of kernels/winograd_kernel.h on several threads, and
// their gradient. They take less than half the time of the best direct convolution if arithmetic is the limit.
// choose_conv2d() says when to use which kernel.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {
namespace kernels {
struct WinogradKernel;
}

/// Cache of one layer's transformed filters, for kernels that do not transform filters themselves (bfloat16 tiles; 16/9
/// of the weight's memory). Refilled when the weight changes (as tensor::WeightVersion sees it). Thread-safe.
using WinogradFilterCache = c10::intrusive_ptr<torch::CustomClassHolder>;
WinogradFilterCache make_winograd_filter_cache();

/// x [B,in,h,w] float32, weight [out,in,3,3], bias [out] or undefined -> [B,out,h,w] float32; maps
/// are channels-last. The kernel's panel divides both numbers of channels.
torch::Tensor winograd_convolution(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                   const kernels::WinogradKernel& kernel, const WinogradFilterCache& cache);
/// Gradient of the input: d_y [B,out,h,w] -> d_x [B,in,h,w], likewise.
torch::Tensor winograd_gradient(const torch::Tensor& d_y, const torch::Tensor& weight,
                                const kernels::WinogradKernel& kernel, const WinogradFilterCache& cache);

}  // namespace lucid::nn
