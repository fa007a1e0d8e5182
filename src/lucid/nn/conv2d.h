// SPDX-License-Identifier: Apache-2.0
// Convolutions between maps in float32 on a CPU, with weights in float32 or bfloat16 ("wide" maps). A CPU sums bfloat16
// products in float32 anyway; what libtorch then rounds to bfloat16, in each convolution and each sum after it, is
// nearly half of what bfloat16 costs in precision. oneDNN, which libtorch calls, writes the float32 sums just as fast
// if it is asked itself.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/linear.h"

namespace lucid::nn {

/// What the maps of a network of this precision are best in, on the device of `input`: wide where that costs nothing,
/// which is where oneDNN is asked: wide maps work without it, slower and rounded.
torch::ScalarType type_of_maps(torch::ScalarType precision, const torch::Tensor& input);

/// A map in float32 for a layer in bfloat16: with such a bias, as weights may be stored so all the same.
inline bool is_wide(const torch::Tensor& map, const torch::Tensor& bias) {
  return map.scalar_type() == torch::kFloat && bias.scalar_type() == torch::kBFloat16;
}

/// What the products beside a map are computed in: of wide maps the sums alone are wide.
inline torch::ScalarType type_beside(const torch::Tensor& map, const torch::Tensor& bias) {
  return is_wide(map, bias) ? bias.scalar_type() : map.scalar_type();
}

/// Whether applied() is to compute a convolution's norm: it saves a pass over the map, or is the only way.
bool takes_norm(const torch::nn::Conv2d& conv, const torch::Tensor& x);

struct Before {
  torch::nn::GroupNorm* norm = nullptr;  // GroupNorm and SiLU; of a wide map in the pass that rounds it to bfloat16
  int64_t more_padding = 0;              // zeros to the right and below, beside the convolution's own
};
/// conv(x), or conv(silu(norm(x))), with its bias, in the type of x [B,C,h,w]. Of a map in float32 on a CPU in float32
/// throughout, channels-last, and so is its gradient; weights in bfloat16 have none.
torch::Tensor applied(torch::nn::Conv2d& conv, const torch::Tensor& x, const Before& before = {});

}  // namespace lucid::nn
