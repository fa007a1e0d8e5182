// SPDX-License-Identifier: Apache-2.0
// A running mean of a network's weights: smoother than any single step's, and what is shipped.
#pragma once

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <string>

namespace lucid::pretrain {

class Ema {
 public:
  Ema(const torch::nn::Module& module, double decay);
  /// mean = d mean + (1-d) weights, d = min(decay, (1+step)/(10+step)): the first steps are soon forgotten.
  void update(const torch::nn::Module& module, int64_t step);
  double decay_at(int64_t step) const {
    return std::min(decay_, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
  }
  /// By the module's names, the tensors themselves.
  const std::map<std::string, torch::Tensor>& weights() const { return weights_; }
  void copy_to(torch::nn::Module& module) const;

 private:
  double decay_;
  std::map<std::string, torch::Tensor> weights_;
};

}  // namespace lucid::pretrain
