// SPDX-License-Identifier: Apache-2.0
// What is computed from a layer's weights and kept holds as long as they are the same.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace lucid::tensor {

/// Weights may change in place if autograd is told (not through .data()).
class LastSeen {
 public:
  /// Whether `weight` is the one that was seen last, unchanged; from now on it is.
  bool again(const torch::Tensor& weight) {
    if (weight_.defined() && weight_.data_ptr() == weight.data_ptr() && version_ == weight._version()) return true;
    weight_ = weight.detach();  // held, so that no other weights come to lie where these did
    version_ = weight._version();
    return false;
  }

 private:
  torch::Tensor weight_;
  int64_t version_ = 0;
};

}  // namespace lucid::tensor
