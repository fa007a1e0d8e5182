// SPDX-License-Identifier: Apache-2.0
// What a user may ask of `lucid points`. No libtorch.
#pragma once

#include <cstdint>
#include <string>

namespace lucid::cli {

struct PointsRequest {
  std::string text, folder, output = "cloud.ply", format = "points", device = "cpu", precision = "fp32";
  std::string progress = "auto";
  int64_t seed = 0, count = 4096, steps = 64, threads = 0;
  double guidance = 3;
};

}  // namespace lucid::cli
