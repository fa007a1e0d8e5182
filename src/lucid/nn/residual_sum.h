// SPDX-License-Identifier: Apache-2.0
// ResidualSum: the residual stream of a transformer block, each addition fused with the LayerNorm after it.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/norm.h"

namespace lucid::nn {

/// tokens [...,C], to which branches are added one by one.
class ResidualSum {
 public:
  /// `in_float32`: the sum is float32 whatever dtype its branches have. Rounding each partial sum to bfloat16 is half
  /// of what bfloat16 costs in precision.
  ResidualSum(const torch::Tensor& tokens, bool in_float32);
  /// The dtype that branches should have: float32 where oneDNN computes them, since its sums are float32 and the
  /// addition then needs no conversion.
  torch::ScalarType branch_dtype() const;
  /// LayerNorm of the sum, in the tokens' dtype.
  torch::Tensor normalise(LayerNorm& norm);
  void add(const torch::Tensor& branch) { pending_ = branch; }
  /// The sum, in the tokens' dtype.
  torch::Tensor total();

 private:
  torch::ScalarType dtype_;
  torch::Tensor sum_, pending_;  // pending: added with the next read of the sum
};

}  // namespace lucid::nn
