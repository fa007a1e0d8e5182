// SPDX-License-Identifier: Apache-2.0
// Grouped updates of the optimiser for GPUs: one operation for many weights, because launches of small kernels would
// dominate a step.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace lucid::pretrain {

struct OptimiserOptions;

/// Weights that are updated by one operation, and their moments.
struct WeightGroup {
  bool muon = false, decays = false;
  std::vector<std::string> names = {};
  std::vector<torch::Tensor> weights = {};
  torch::Tensor first = {},
                second = {};  // moments. Muon: [G,m,n], undefined. AdamW: all weights concatenated, [N], [N]

  /// Allocates the moments, once all weights are added.
  void make_moments();
  /// The part of weight i in `moments`, as a view in its shape.
  torch::Tensor moment_of(const torch::Tensor& moments, size_t i) const;
};

/// Groups a module's parameters: for Muon matrices of equal flattened shape; for AdamW the rest, with and without
/// weight decay.
std::vector<WeightGroup> weight_groups(const torch::nn::Module& module, const OptimiserOptions& options);

/// One optimiser step of all groups, without synchronising with the device; clears the gradients. Returns the
/// gradient's norm before clipping, [].
torch::Tensor step_groups(std::vector<WeightGroup>& groups, const OptimiserOptions& options, double rate, int64_t step);

}  // namespace lucid::pretrain
