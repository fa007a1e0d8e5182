// SPDX-License-Identifier: Apache-2.0
// Linear: a linear layer whose forward() runs the kernel that choose_linear() names.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/nn/layer.h"

namespace lucid::nn {

struct LinearOptions {
  int64_t in = 0, out = 0;
  bool bias = true;
  /// The weight is stored as [out,in,1,1], as the 1 x 1 convolution that computes the same (Stable Diffusion 1.x).
  bool stored_as_conv = false;
};

/// weight [out,in] or [out,in,1,1], bias [out].
class LinearImpl : public Layer {
 public:
  explicit LinearImpl(const LinearOptions& options);
  LinearImpl(int64_t in, int64_t out, bool bias = true)
      : LinearImpl(LinearOptions{.in = in, .out = out, .bias = bias}) {}
  /// x [...,in] -> [...,out] in x's dtype, or in another to which the float32 sums are rounded.
  torch::Tensor forward(const torch::Tensor& x, std::optional<torch::ScalarType> dtype = std::nullopt);
  bool reads_16_bit_weights() const override;
};
TORCH_MODULE(Linear);

}  // namespace lucid::nn
