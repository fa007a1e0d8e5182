// SPDX-License-Identifier: Apache-2.0
// Exponential moving average (EMA) of a network's weights. The exported prior has the averaged weights.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <string>

namespace lucid::pretrain {

class Ema {
 public:
  Ema(const torch::nn::Module& module, double decay);
  /// mean = d mean + (1-d) weights with d = decay_at(step).
  void update(const torch::nn::Module& module, int64_t step);
  /// min(decay, (1+step)/(10+step)): smaller at first, so that the initial weights decay quickly.
  double decay_at(int64_t step) const {
    return std::min(decay_, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
  }
  /// The averaged weights by parameter name; they share memory with this object.
  const std::map<std::string, torch::Tensor>& weights() const { return weights_; }
  void copy_to(torch::nn::Module& module) const;

 private:
  double decay_;
  std::map<std::string, torch::Tensor> weights_;
};

}  // namespace lucid::pretrain
