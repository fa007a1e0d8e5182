// SPDX-License-Identifier: Apache-2.0
// See ema.h.
#include "lucid/prior/ema.h"

namespace lucid::prior {

Ema::Ema(const torch::nn::Module& module, double decay) : decay_(decay) {
  for (const auto& item : module.named_parameters()) weights_[item.key()] = item.value().detach().clone();
}

void Ema::update(const torch::nn::Module& module, int64_t step) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    weights_.at(item.key()).lerp_(item.value().detach(), 1 - decay_at(step));
  }
}

void Ema::copy_to(torch::nn::Module& module) const {
  const torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) item.value().data().copy_(weights_.at(item.key()));
}

}  // namespace lucid::prior
