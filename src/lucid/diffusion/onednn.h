// SPDX-License-Identifier: Apache-2.0
// Convolutions by oneDNN itself, for what libtorch does not ask of it: float32 sums of bfloat16 products, and weights
// that stay laid out as it likes. On a CPU.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace lucid::diffusion::onednn {

bool available();  // in this build; of the other functions none may be called where it is not

/// How a convolution's windows step and reach, the same both ways.
struct Windows {
  int64_t stride = 1, before = 0, after = 0;  // zeros left and above, right and below
};

/// A convolution's weights in the layouts that it was asked in, for any number of threads; begins empty.
using Packed = c10::intrusive_ptr<torch::CustomClassHolder>;
Packed make_packed();

struct Weights {
  torch::Tensor weight = {}, bias = {};  // [out,in,h,w] bfloat16, [out]
  Packed packed = {};                    // of this weight
};

/// x [B,in,h,w] bfloat16, channels-last -> float32, channels-last.
torch::Tensor convolution(const torch::Tensor& x, const Weights& weights, const Windows& windows);
/// dy bfloat16, channels-last -> dx float32 of the sizes of x, channels-last. Needs no bias.
torch::Tensor convolution_gradient(const std::vector<int64_t>& x, const torch::Tensor& dy, const Weights& weights,
                                   const Windows& windows);

}  // namespace lucid::diffusion::onednn
