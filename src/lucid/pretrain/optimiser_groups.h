// SPDX-License-Identifier: Apache-2.0
// The optimiser's updates on weights taken together: a GPU would spend a step starting small operations otherwise.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace lucid::pretrain {

struct OptimiserOptions;

/// Weights that one operation updates, with their moments.
struct WeightGroup {
  bool muon = false, decays = false;
  std::vector<std::string> names = {};
  std::vector<torch::Tensor> weights = {};
  torch::Tensor first = {}, second = {};  // Muon: [G,m,n], none; AdamW: all weights end to end [N], [N]

  /// Allocates the moments; weights are complete then.
  void make_moments();
  /// Of weight i, a view in its shape.
  torch::Tensor moment_of(const torch::Tensor& moments, size_t i) const;
};

/// Muon: flattened matrices of equal shape; AdamW: the rest, with weight decay and without.
std::vector<WeightGroup> weight_groups(const torch::nn::Module& module, const OptimiserOptions& options);

/// The groups' weights one step on, without waiting for the device; takes the gradients away. Returns the norm of the
/// gradient before clipping, 0-dim.
torch::Tensor step_groups(std::vector<WeightGroup>& groups, const OptimiserOptions& options, double rate, int64_t step);

}  // namespace lucid::pretrain
