// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma & Ba 2015) for clouds whose number of Gaussians changes during training.
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "lucid/gaussians/cloud.h"
#include "lucid/optim/adam_kernel.h"
#include "lucid/optim/options.h"

namespace lucid::optim {

/// adam_update() of adam_kernel.h in tensor operations, for devices other than the CPU.
void adam_update_tensors(torch::Tensor& parameter, const torch::Tensor& gradient, torch::Tensor& m, torch::Tensor& v,
                         const AdamScalars& scalars);

/// Adam for a Cloud: two moments for each parameter group, one step count for all. Betas 0.9 and 0.999, eps 1e-15.
class Adam {
 public:
  explicit Adam(const gaussians::Cloud& cloud);
  /// One step of all groups; `rates` are the learning rates in the order of Cloud::Group.
  void step(gaussians::Cloud& cloud, const gaussians::CloudGradient& gradient,
            const std::array<double, gaussians::Cloud::kGroups>& rates);
  /// Rearranges the moments' rows after densification: new row i takes over row source[i], or zeros if source[i] < 0.
  void rearrange_rows(const torch::Tensor& source);  // [M] int64
  void zero_moments(int group);

  int64_t steps = 0;
  // First and second moments by group; shapes of the parameters. Public, because checkpoints save them.
  std::array<torch::Tensor, gaussians::Cloud::kGroups> m, v;
};

}  // namespace lucid::optim
