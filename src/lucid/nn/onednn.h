// SPDX-License-Identifier: Apache-2.0
// Convolutions and linear layers by oneDNN itself, for what libtorch does not ask of it: float32 sums of bfloat16
// products, and weights that stay laid out as it likes. On a CPU. Numbers are bfloat16, or float32, as the weights are.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace lucid::nn::onednn {

bool available();  // in this build; of the other functions none may be called where it is not

/// How a convolution's windows step and reach, the same both ways.
struct Windows {
  int64_t stride = 1, before = 0, after = 0;  // zeros left and above, right and below
};

/// A layer's weights in the layouts that they were asked for in, for any number of threads; begins empty.
using Packed = c10::intrusive_ptr<torch::CustomClassHolder>;
/// That keeps weights of up to so many bytes. They may change in place if autograd is told (not through .data()).
Packed make_packed(size_t largest);

struct Weights {
  torch::Tensor weight = {}, bias = {};  // [out,in,h,w], or [out,in] of a linear layer; [out] or undefined
  Packed packed = {};                    // of this weight
};
bool keeps(const Weights& weights);

/// x [B,in,h,w], channels-last -> float32, channels-last.
torch::Tensor convolution(const torch::Tensor& x, const Weights& weights, const Windows& windows);
/// dy channels-last -> dx float32 of the sizes of x, channels-last. Needs no bias.
torch::Tensor convolution_gradient(const std::vector<int64_t>& x, const torch::Tensor& dy, const Weights& weights,
                                   const Windows& windows);

/// x [...,in] -> x weight^T + bias [...,out] in float32 or in the type of x.
torch::Tensor linear(const torch::Tensor& x, const Weights& weights, torch::ScalarType type);

}  // namespace lucid::nn::onednn
