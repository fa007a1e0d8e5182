// SPDX-License-Identifier: Apache-2.0
// Replicas of a network for data-parallel training on the CPU, one per worker: shared weights, separate gradients.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace lucid::pretrain {

/// `count` replicas; replica 0 is `master` itself. The optimiser must update the master's weights in place.
template <class Module>
std::vector<Module> make_replicas(const Module& master, int64_t count) {
  std::vector<Module> replicas{master};
  for (int64_t i = 1; i < count; ++i) {
    Module& replica = replicas.emplace_back(master->config());
    auto mine = replica->parameters();
    const auto shared = master->parameters();
    for (size_t k = 0; k < mine.size(); ++k) mine[k].set_data(shared[k].data());
  }
  return replicas;
}

/// Adds the gradients of replicas 1, 2, ... to the master's, in this order, so that rounding does not depend on timing.
template <class Module>
void sum_gradients(std::vector<Module>& replicas) {
  auto sums = replicas.front()->parameters();
  for (size_t i = 1; i < replicas.size(); ++i) {
    auto parts = replicas[i]->parameters();
    for (size_t k = 0; k < sums.size(); ++k) {
      if (!parts[k].grad().defined()) continue;
      if (sums[k].grad().defined()) {
        sums[k].mutable_grad().add_(parts[k].grad());
      } else {
        sums[k].mutable_grad() = parts[k].grad().clone();
      }
      parts[k].mutable_grad().zero_();
    }
  }
}

}  // namespace lucid::pretrain
