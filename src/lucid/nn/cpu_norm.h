// SPDX-License-Identifier: Apache-2.0
// A norm, with SiLU if asked, and its gradient by the kernels of fused_kernels.h, shared among threads: what fused.h
// and wide_convolution.h give autograd. On a CPU, in float32 or bfloat16.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/kernels/norm_geglu.h"

namespace lucid::nn {

struct NormOptions {
  kernels::NormShape shape = {};
  float eps = 0;
  bool silu = false;
};
/// Of a map [B,C,h,w], channels-last.
NormOptions of_groups(const torch::Tensor& map, int64_t groups, double eps, bool silu);

struct Normed {
  torch::Tensor y = {}, mean = {}, inverse_deviation = {};  // the last two [samples, groups]
};
/// x as NormShape lies in memory; weight, bias [channels] float32. y in x's type, or in bfloat16 of float32.
Normed norm_of(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
               const NormOptions& options, torch::ScalarType type);

struct NormGradient {
  torch::Tensor x = {}, weight = {}, bias = {};
};
/// From dy, in x's type and memory, and what the norm left: its statistics, not its y.
NormGradient norm_gradient(const torch::Tensor& x, const torch::Tensor& dy, const torch::Tensor& weight,
                           const torch::Tensor& bias, const Normed& left, const NormOptions& options);

}  // namespace lucid::nn
