// SPDX-License-Identifier: Apache-2.0
// Options of the optimiser: learning rates and densification. Without libtorch, because the command line includes this
// file.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace lucid::optim {

/// Learning rates; names as in the reference's OptimizationParams.
struct LearningRates {
  double position_lr_init = 0.00016, position_lr_final = 0.0000016, position_lr_delay_mult = 0.01;
  double feature_lr = 0.005, feature_lr_final = 0.003, opacity_lr = 0.05;
  double scaling_lr = 0.005, scaling_lr_final = 0.001, rotation_lr = 0.001, rotation_lr_final = 0.0002;
  int64_t iterations = 5000;
  double spatial_lr_scale = 1;  // factor of the position rates
  double strength = 1;          // factor of all rates
  /// The rates at an iteration, in the order of gaussians::Cloud::Group. Rates with a final value decay log-linearly
  /// over `iterations`.
  std::array<double, 6> at(int64_t iteration) const;
};

/// Densification; names as in the reference's OptimizationParams. densify.h says what they do.
struct DensifyOptions {
  int64_t densification_interval = 100, densify_from_iter = 100, densify_until_iter = 3000,
          opacity_reset_interval = 300;
  double densify_grad_threshold = 0.00075, percent_dense = 0.003, min_opacity = 0.005;
  double extent = 3.5;            // size of the scene, world units: the default camera radius
  bool prune_big_screen = false;  // also prune Gaussians > 20 px on screen; without effect in the reference
  // Not in the reference: upper bound of the number of Gaussians, counted before pruning; candidates with the largest
  // gradients come first. 0 = no limit.
  int64_t max_gaussians = 0;
  int64_t most_in_memory = 0;  // such a bound that the memory sets; no option. 0 = no limit
  /// The lower of the two bounds; 0 = no limit.
  int64_t bound() const {
    return max_gaussians > 0 && most_in_memory > 0 ? std::min(max_gaussians, most_in_memory)
                                                   : std::max(max_gaussians, most_in_memory);
  }
  // Not in the reference: from densify_until_iter to here, at the same interval, only removal: of faint Gaussians and
  // of those larger than prune_size, world units. Takes haze away (HumanGaussian).
  int64_t prune_until_iter = 0;
  double prune_size = 0.008;
};

}  // namespace lucid::optim
