// SPDX-License-Identifier: Apache-2.0
// GroupNorm (with SiLU) and LayerNorm by the CPU kernels of kernels/norm_geglu.h on several threads: forward and
// backward, float32 or bfloat16. norm.cpp and conv2d.cpp wrap them for autograd.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/kernels/norm_geglu.h"

namespace lucid::nn {

struct NormOptions {
  kernels::NormShape shape = {};
  float eps = 0;
  bool silu = false;  // y = silu(norm(x))
};
/// For a map [B,C,h,w], channels-last.
NormOptions group_norm_options(const torch::Tensor& map, int64_t groups, double eps, bool silu);

struct Normed {
  torch::Tensor y = {}, mean = {}, inverse_deviation = {};  // the last two [samples, groups]
};
/// x lies in memory as options.shape says; weight, bias [channels] float32. y is in x's dtype, or in bfloat16.
Normed norm_forward(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                    const NormOptions& options, torch::ScalarType dtype);

struct NormGradient {
  torch::Tensor x = {}, weight = {}, bias = {};
};
/// d_y has x's dtype and layout; `statistics` are those of norm_forward (its y is not read).
NormGradient norm_backward(const torch::Tensor& x, const torch::Tensor& d_y, const torch::Tensor& weight,
                           const torch::Tensor& bias, const Normed& statistics, const NormOptions& options);

}  // namespace lucid::nn
