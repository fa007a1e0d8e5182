// SPDX-License-Identifier: Apache-2.0
// What a user may ask of `lucid personalise`. No libtorch.
#pragma once

#include <cstdint>
#include <string>

namespace lucid::cli {

struct PersonaliseRequest {
  std::string folder, word = "<thing>", output, like, measure;
  std::string prior, prior_config, device = "cpu", progress = "auto";
  int64_t vectors = 4, steps = 400, batch = 4, seed = 0, threads = 0;
  double rate = 0.1;
};

}  // namespace lucid::cli
