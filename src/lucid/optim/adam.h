// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma & Ba 2015) over tensors whose rows come and go, and the learning rates of Gaussian splatting.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "lucid/gaussians/cloud.h"
#include "lucid/optim/adam_kernel.h"
#include "lucid/optim/options.h"

namespace lucid::optim {

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
