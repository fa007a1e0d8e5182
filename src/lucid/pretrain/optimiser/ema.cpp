// SPDX-License-Identifier: Apache-2.0
// EMA update: one fused operation for all weights on a GPU, one per weight on the CPU.
#include "lucid/pretrain/optimiser/ema.h"

namespace lucid::pretrain {

Ema::Ema(const torch::nn::Module& module, double decay) : decay_(decay) {
  for (const auto& item : module.named_parameters()) weights_[item.key()] = item.value().detach().clone();
}

void Ema::update(const torch::nn::Module& module, int64_t step) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> means, values;
  for (const auto& item : module.named_parameters()) {
    means.push_back(weights_.at(item.key()));
    values.push_back(item.value().detach());
  }
  const double decay = decay_at(step);
  if (!means.empty() && !means.front().device().is_cpu()) {  // two kernels for all weights, instead of one per weight
    torch::_foreach_mul_(means, decay);
    torch::_foreach_add_(means, values, 1 - decay);
    return;
  }
  for (size_t i = 0; i < means.size(); ++i) means[i].lerp_(values[i], 1 - decay);
}

void Ema::copy_to(torch::nn::Module& module) const {
  const torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) item.value().data().copy_(weights_.at(item.key()));
}

}  // namespace lucid::pretrain
