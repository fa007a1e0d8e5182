// SPDX-License-Identifier: Apache-2.0
// NaN and Inf in a step: which tensor they were in first, and what a run does after them.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lucid/train/model.h"

namespace lucid::train {

/// Above this, squares overflow in Adam's second moments, and a Gaussian would never move again.
inline constexpr double kLarge = 1e16;

/// The first tensor of a step that was not finite, or too large.
struct BadNumbers {
  std::string tensor;                                 // "the score"
  int64_t step = 0, t = -1, view = -1;                // timestep, first such view; -1: there is none
  int64_t nan = 0, infinite = 0, large = 0, all = 0;  // numbers in the tensor; large: finite, but above kLarge
  bool of_gaussians = false;                          // they were there before the prior was asked
  bool of_prior = false;                              // what its networks were given was finite
  std::string text() const;  // "step 12: NaN in 48 of 64 numbers of the score (view 1, t = 413)"
};

class NumbersError : public std::runtime_error {
 public:
  explicit NumbersError(BadNumbers bad) : std::runtime_error(bad.text()), bad_(std::move(bad)) {}
  const BadNumbers& bad() const { return bad_; }

 private:
  BadNumbers bad_;
};

/// Watches the tensors of one step, in the order in which they are computed. Costs a norm of each, and no wait for a
/// GPU before the norms are read.
class NumberWatch {
 public:
  enum class Of { kGaussians, kPrior, kStep };
  /// `by_view`: rows are views. The tensor must not be changed in place before find().
  void add(std::string name, const torch::Tensor& tensor, Of of, bool by_view);
  void add_parameters(Model& model);
  torch::Tensor norms() const;  // [n] float32, on the tensors' device: finite where the whole tensor is
  /// The first bad tensor, for norms() on the CPU.
  std::optional<BadNumbers> find(const torch::Tensor& norms) const;

 private:
  struct Watched {
    std::string name;
    torch::Tensor tensor, norm;
    Of of;
    bool by_view;
  };
  std::vector<Watched> watched_;
};

inline constexpr int64_t kMostSetbacks = 3;
/// The seed of the random streams after a model's setbacks: other noise after each.
uint64_t seed_after_setbacks(uint64_t seed, const Model& model);
/// Factor of the learning rates: half after each setback.
double rate_after_setbacks(const Model& model);

/// A copy with memory of its own.
Model copy_of(const Model& model);

}  // namespace lucid::train
