// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma & Ba 2015) over tensors whose rows come and go, and the learning rates of Gaussian splatting.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "lucid/gaussians/cloud.h"
#include "lucid/optim/adam_kernel.h"

namespace lucid::optim {

/// Keys as in the reference's OptimizationParams.
struct LearningRates {
  double position_lr_init = 0.00016, position_lr_final = 0.0000016, position_lr_delay_mult = 0.01;
  double feature_lr = 0.005, feature_lr_final = 0.003, opacity_lr = 0.05;
  double scaling_lr = 0.005, scaling_lr_final = 0.001, rotation_lr = 0.001, rotation_lr_final = 0.0002;
  int64_t iterations = 5000;
  double spatial_lr_scale = 1;
  /// By parameter group (order of gaussians::Cloud::parameters) at an iteration; log-linear decay where a final value
  /// exists.
  std::array<double, gaussians::Cloud::kGroups> at(int64_t iteration) const;
};

/// adam_update (adam_kernel.h) in tensor operations, for devices that the fused loop cannot reach.
void adam_update_tensors(torch::Tensor& parameter, const torch::Tensor& gradient, torch::Tensor& m, torch::Tensor& v,
                         const AdamScalars& scalars);

/// One moment pair per parameter group; all groups share the step count. beta 0.9, 0.999, eps 1e-15.
class Adam {
 public:
  explicit Adam(const gaussians::Cloud& cloud);
  void step(gaussians::Cloud& cloud, const gaussians::CloudGradient& gradient,
            const std::array<double, gaussians::Cloud::kGroups>& rates);
  /// Rows after densification: result row i continues row source[i], or starts with zero moments where source[i] < 0.
  void regroup(const torch::Tensor& source);  // [M] int64
  void zero_moments(int group);

  int64_t steps = 0;
  std::array<torch::Tensor, gaussians::Cloud::kGroups> m, v;  // public: checkpoints and tests read them
};

}  // namespace lucid::optim
