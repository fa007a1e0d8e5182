// SPDX-License-Identifier: Apache-2.0
// The options of the judge's training. No libtorch: the command line reads them as well.
#pragma once

#include <cstdint>
#include <string>

namespace lucid::eval {

inline constexpr int64_t kJudgeWidth = 32;  // channels of the first stage; doubled at each of three further ones

struct JudgeTraining {
  int64_t steps = 6000, batch = 64;
  double learning_rate = 2e-3;  // at its peak; one cycle of AdamW
  int64_t seed = 0;
  int64_t width = kJudgeWidth;
  std::string device = "cpu";  // as tensor::device_from_name takes it
};

}  // namespace lucid::eval
