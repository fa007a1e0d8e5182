// SPDX-License-Identifier: Apache-2.0
// The options of the optimiser: learning rates and densification. No libtorch: the command line reads them as well.
#pragma once

#include <array>
#include <cstdint>

namespace lucid::optim {

/// Keys as in the reference's OptimizationParams.
struct LearningRates {
  double position_lr_init = 0.00016, position_lr_final = 0.0000016, position_lr_delay_mult = 0.01;
  double feature_lr = 0.005, feature_lr_final = 0.003, opacity_lr = 0.05;
  double scaling_lr = 0.005, scaling_lr_final = 0.001, rotation_lr = 0.001, rotation_lr_final = 0.0002;
  int64_t iterations = 5000;
  double spatial_lr_scale = 1;
  /// By parameter group (order of gaussians::Cloud::parameters) at an iteration; log-linear decay where a final value
  /// exists. adam.cpp does not compile where the cloud has another number of groups.
  std::array<double, 6> at(int64_t iteration) const;
};

/// Keys as in the reference's OptimizationParams; extent = default_radius.
struct DensifyOptions {
  int64_t densification_interval = 100, densify_from_iter = 100, densify_until_iter = 3000,
          opacity_reset_interval = 300;
  double densify_grad_threshold = 0.00075, percent_dense = 0.003, min_opacity = 0.005;
  double extent = 3.5;
  bool prune_big_screen = false;  // > 20 px on screen; never acts in the reference
  int64_t max_gaussians = 0;      // ours: candidates beyond this many rows (counted before pruning) wait, those
                                  // of the smallest gradient first; 0 = no limit
};

}  // namespace lucid::optim
