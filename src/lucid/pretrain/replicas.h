// SPDX-License-Identifier: Apache-2.0
// Replicas of a network for data-parallel training on the CPU, one per worker: shared weights, separate gradients.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/tensor/workers.h"

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

/// Forward and backward pass of `count` rows, divided among the workers, one replica each. loss_of(replica, share)
/// gives the loss of a share of rows, []. Returns the sum of the losses; the master has the sum of the gradients.
template <class Module, class LossOf>
torch::Tensor parallel_backward(const tensor::Workers& workers, std::vector<Module>& replicas, int64_t count,
                                const LossOf& loss_of) {
  const torch::Tensor sum = workers.sum_tensors([&](int64_t worker) {
    const tensor::Share share = tensor::share_of(count, worker, workers.count());
    if (share.size() == 0) return torch::Tensor();
    const torch::Tensor loss = loss_of(replicas[static_cast<size_t>(worker)], share);
    loss.backward();
    return loss;
  });
  sum_gradients(replicas);
  return sum;
}

}  // namespace lucid::pretrain
