// SPDX-License-Identifier: Apache-2.0
// Convolutions and linear layers by oneDNN, called directly for what libtorch does not ask of it: float32 sums of
// bfloat16 products, and weights kept in the layout that oneDNN wants. CPU only; operands are bfloat16 or float32, as
// the weights are.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace lucid::nn::onednn {

/// Whether this build has oneDNN. If not, none of the functions below may be called, but make_packed().
bool available();

/// Stride and zero padding of a convolution, the same for both axes.
struct Windows {
  int64_t stride = 1, before = 0, after = 0;  // before: left and above; after: right and below
};

/// Packed copies of one weight, one for each layout that was asked for. Empty at first; emptied when the weight
/// changes, if autograd sees it (not through .data()). Thread-safe.
using Packed = c10::intrusive_ptr<torch::CustomClassHolder>;
/// Keeps copies of weights of up to so many bytes; larger ones are packed for each call.
Packed make_packed(int64_t largest);

struct Weights {
  torch::Tensor weight = {}, bias = {};  // [out,in,h,w], or [out,in] of a linear layer; [out] or undefined
  Packed packed = {};                    // copies of this weight
};

/// x [B,in,h,w], channels-last -> float32, channels-last.
torch::Tensor convolution(const torch::Tensor& x, const Weights& weights, const Windows& windows);
/// Adjoint: d_y channels-last -> d_x float32, channels-last, of sizes `x`. The bias is not read.
torch::Tensor convolution_gradient(const std::vector<int64_t>& x, const torch::Tensor& d_y, const Weights& weights,
                                   const Windows& windows);

/// x [...,in] -> x weight^T + bias [...,out] in float32 or in x's dtype.
torch::Tensor linear(const torch::Tensor& x, const Weights& weights, torch::ScalarType dtype);

}  // namespace lucid::nn::onednn
