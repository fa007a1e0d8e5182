// SPDX-License-Identifier: Apache-2.0
// Optimiser: Muon (Jordan 2024) for a network's hidden matrices, AdamW for all other parameters.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "lucid/pretrain/optimiser/optimiser_groups.h"
#include "lucid/tensor/workers.h"

namespace lucid::pretrain {

struct OptimiserOptions {
  double rate = 1e-3;      // learning rate of both; Muon's update is scaled to AdamW's size (Liu et al. 2025)
  double momentum = 0.95;  // Muon's
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double weight_decay = 0;
  double clip = 1;  // limit of the gradient's norm over all parameters; 0: none
  std::vector<std::string> adamw_names = {"conv_in.", "conv_out.", "embedding.",
                                          "head."};  // parts of names whose matrices use AdamW
};

class Optimiser {
 public:
  /// kPerWeight: weights are distributed over the workers and updated one by one. kGrouped: weights of equal shape are
  /// updated by one operation, for a GPU. Equal up to rounding.
  enum class UpdateMode { kPerWeight, kGrouped };
  /// kGrouped if the weights are on a GPU, else kPerWeight.
  Optimiser(const torch::nn::Module& module, const OptimiserOptions& options);
  Optimiser(const torch::nn::Module& module, const OptimiserOptions& options, UpdateMode mode);
  /// One step with learning rate options.rate * rate_factor; clears the gradients. `step` counts from 0. Returns the
  /// gradient's norm before clipping, [], on the device: reading it synchronises.
  torch::Tensor step(int64_t step, double rate_factor, const tensor::Workers& workers);
  /// The moments by name ("first.NAME", "second.NAME"), sharing memory: for saving and loading a checkpoint.
  std::map<std::string, torch::Tensor> state() const;

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter, first, second;  // second: AdamW only
  };
  void update(Slot& slot, double rate, double scale, int64_t step) const;
  OptimiserOptions options_;
  std::vector<Slot> slots_;          // kPerWeight
  std::vector<WeightGroup> groups_;  // kGrouped
};

/// Approximate orthogonalisation by five Newton-Schulz steps: the same singular vectors, singular values between about
/// 0.7 and 1.2. [m,n] -> [m,n], or [G,m,n] -> [G,m,n] for G matrices.
torch::Tensor orthogonalised(const torch::Tensor& matrix);

/// Factor that gives an orthogonal update of [rows,columns] the size of AdamW's: 0.2 sqrt(max(rows, columns)).
double muon_scale(int64_t rows, int64_t columns);
/// Whether a parameter is updated by Muon; otherwise by AdamW.
bool uses_muon(const std::string& name, const torch::Tensor& parameter, const OptimiserOptions& options);

}  // namespace lucid::pretrain
