// SPDX-License-Identifier: Apache-2.0
// Starting points: where the first Gaussians sit, by name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lucid/gaussians/cloud.h"

namespace lucid::gaussians {

struct StartOptions {
  std::string kind = "sphere";  // one of start_names()
  int64_t count = 100000;
  double radius = 0.5;           // `sphere`: r ~ U(0, radius), uniform angles
  double opacity = 0.1;
  int sh_degree = 0;
  uint64_t seed = 0;
};

const std::vector<std::string>& start_names();
/// Points by kind; scales sqrt(mean squared distance to the 3 nearest neighbours); near-grey colours; identity rotations.
Cloud make_start(const StartOptions& options);
/// log sqrt(mean squared distance to the 3 nearest neighbours), floor 1e-7 on the square. means [N,3] -> [N,3].
torch::Tensor nearest_neighbour_log_scales(const torch::Tensor& means);

}  // namespace lucid::gaussians
