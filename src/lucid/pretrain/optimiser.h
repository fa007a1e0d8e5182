// SPDX-License-Identifier: Apache-2.0
// Muon (Jordan 2024) for the matrices inside a network, AdamW for everything else.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "lucid/pretrain/optimiser_groups.h"
#include "lucid/tensor/workers.h"

namespace lucid::pretrain {

struct OptimiserOptions {
  double rate = 1e-3;      // of both: Muon's update has the size of AdamW's (Liu et al. 2025)
  double momentum = 0.95;  // Muon's
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double weight_decay = 0;
  double clip = 1;  // of the gradient's norm over all parameters
  std::vector<std::string> adamw_names = {"conv_in.", "conv_out.", "embedding.",
                                          "head."};  // AdamW for names with these
};

class Optimiser {
 public:
  /// Weights by turns among the workers, or together: what a GPU wants, and the same to rounding.
  enum class UpdateMode { kPerWeight, kGrouped };
  /// Together where the weights are on a GPU.
  Optimiser(const torch::nn::Module& module, const OptimiserOptions& options);
  Optimiser(const torch::nn::Module& module, const OptimiserOptions& options, UpdateMode mode);
  /// One step from the parameters' gradients at options.rate * rate_factor; sets them to zero. Returns their norm
  /// before clipping, []; reading it waits for the device. `step` counts from 0.
  torch::Tensor step(int64_t step, double rate_factor, const tensor::Workers& workers);
  /// Moments by name, the tensors themselves: to save, and to copy into.
  std::map<std::string, torch::Tensor> state() const;

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter, first, second;  // second: AdamW only
  };
  void update(Slot& slot, double rate, double scale, int64_t step) const;
  OptimiserOptions options_;
  std::vector<Slot> slots_;          // by turns
  std::vector<WeightGroup> groups_;  // together
};

/// The nearest matrix with singular values near 1 (between 0.7 and 1.2), by five Newton-Schulz steps. [m,n] -> [m,n],
/// or [G,m,n] -> [G,m,n] for as many matrices.
torch::Tensor orthogonalised(const torch::Tensor& matrix);

/// What brings a Muon update of [m,n] to the size of AdamW's.
double muon_scale(int64_t rows, int64_t columns);
/// Muon's, or else AdamW's.
bool uses_muon(const std::string& name, const torch::Tensor& parameter, const OptimiserOptions& options);

}  // namespace lucid::pretrain
