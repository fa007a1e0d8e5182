// SPDX-License-Identifier: Apache-2.0
// Convolutions of 3 x 3 by cpu/winograd_kernel.h, in less than half the time of the best direct ones, where the
// processor's multiplications are the limit: between maps in float32, by weights of any type. In float32, on any CPU,
// nothing is rounded beyond that and nothing kept. In bfloat16, on a CPU with AVX512-BF16, the products take an eighth
// less time, at a price: a layer rounds 2.3 times as much as a direct one where neighbouring pixels are unlike each
// other, and transformed filters are kept, 16 numbers for 9.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace lucid::nn {

namespace kernels {
struct WinogradKernel;
}

/// In which numbers tiles and filters are multiplied, whatever type the weights have.
struct WinogradUse {
  bool rounds = false;                              // to bfloat16, with weights in bfloat16; else in float32
  const kernels::WinogradKernel* kernel = nullptr;  // by this one, not by the best
};

/// A layer's filters; to be rounded they are transformed when they are first asked for, and kept.
using WinogradFilters = c10::intrusive_ptr<torch::CustomClassHolder>;
/// Keeps, and rounds, those of weights of up to `largest` bytes. They may change in place if autograd is told (not
/// through .data()).
WinogradFilters make_winograd_filters(size_t largest, const WinogradUse& use);

/// Whether weights [out,in,h,w] are computed so for maps x [B,in,h,w] of such sizes, where the convolution steps by one
/// pixel and keeps a map's size. Both directions then are.
bool takes_winograd(const WinogradFilters& filters, const torch::Tensor& weight, at::IntArrayRef x);

/// Whether weights [out,in,3,3] are multiplied as they are stored, and had better lie in that order.
bool reads_filters_as_stored(const WinogradFilters& filters, const torch::Tensor& weight);

/// x [B,in,h,w] float32, weight [out,in,3,3], bias [out] -> [B,out,h,w] float32; maps are channels-last.
torch::Tensor winograd_convolution(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                                   const WinogradFilters& filters);
/// dy [B,out,h,w] -> dx [B,in,h,w], likewise.
torch::Tensor winograd_gradient(const torch::Tensor& dy, const torch::Tensor& weight, const WinogradFilters& filters);

}  // namespace lucid::nn
