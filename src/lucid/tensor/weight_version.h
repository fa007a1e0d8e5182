// SPDX-License-Identifier: Apache-2.0
// WeightVersion: tells whether a weight has changed since something was derived from it (packed or transformed copies).
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace lucid::tensor {

/// Identity and autograd version of a tensor. In-place changes count if autograd sees them (not through .data()).
class WeightVersion {
 public:
  /// Records `weight`. Returns whether it differs from the one recorded before.
  bool update(const torch::Tensor& weight) {
    if (weight_.defined() && weight_.data_ptr() == weight.data_ptr() && version_ == weight._version()) return false;
    weight_ = weight.detach();  // held, so that its memory is not given to another weight
    version_ = weight._version();
    return true;
  }

 private:
  torch::Tensor weight_;
  int64_t version_ = 0;
};

}  // namespace lucid::tensor
