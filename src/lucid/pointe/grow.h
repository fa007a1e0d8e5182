// SPDX-License-Identifier: Apache-2.0
// From a cloud of Point-E's to the starting points of a run, as in the reference system.
#pragma once

#include <cstdint>

#include "lucid/pointe/point_e.h"

namespace lucid::pointe {

/// Point-E's axes to lucid's: y is mirrored, and z raised by 0.15. [N,3] -> [N,3].
torch::Tensor to_world(const torch::Tensor& xyz);

struct GrowOptions {
  int64_t count = 100000;  // about how many points are wanted
  uint64_t seed = 0;
};

/// Replaces each point by count / 5000 points (at least one) that lie within 0.05 of it and have its colour. With fewer
/// than 5000 wanted: the points themselves, or as many of them, picked at random, as are wanted.
PointCloud grow(const PointCloud& cloud, const GrowOptions& options);

}  // namespace lucid::pointe
