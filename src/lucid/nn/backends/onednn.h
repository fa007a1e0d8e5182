// SPDX-License-Identifier: Apache-2.0
// Convolutions and linear layers by oneDNN, called directly for two things that libtorch does not offer: float32
// results of bfloat16 products, and weights kept packed in oneDNN's own layout. CPU only. Operands are bfloat16 or
// float32, as the weights are.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace lucid::nn::onednn {

/// Whether this build has oneDNN. If not, only make_packed() may be called of the functions below.
bool available();

/// Stride and zero padding of a convolution, the same for both axes.
struct Windows {
  int64_t stride = 1, before = 0, after = 0;  // before: left and above; after: right and below
};

/// Cache of packed copies of one weight, one for each layout that a shape needs. Cleared when the weight changes (as
/// tensor::WeightVersion sees it). Thread-safe.
using Packed = c10::intrusive_ptr<torch::CustomClassHolder>;
/// An empty cache that keeps copies of weights of up to `largest` bytes. Larger weights are packed in each call.
Packed make_packed(int64_t largest);

struct Weights {
  torch::Tensor weight = {}, bias = {};  // [out,in,h,w], or [out,in] of a linear layer; [out] or undefined
  Packed packed = {};                    // copies of this weight
};

/// x [B,in,h,w] channels-last -> [B,out,h',w'] float32, channels-last.
torch::Tensor convolution(const torch::Tensor& x, const Weights& weights, const Windows& windows);
/// Gradient of the input: d_y [B,out,h',w'] channels-last -> d_x of sizes `x`, float32, channels-last. The bias is not
/// read.
torch::Tensor convolution_gradient(const std::vector<int64_t>& x, const torch::Tensor& d_y, const Weights& weights,
                                   const Windows& windows);

/// x [...,in] contiguous -> x weightᵀ + bias [...,out], in float32 or in x's dtype.
torch::Tensor linear(const torch::Tensor& x, const Weights& weights, torch::ScalarType dtype);

}  // namespace lucid::nn::onednn
