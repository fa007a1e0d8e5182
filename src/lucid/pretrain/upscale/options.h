// SPDX-License-Identifier: Apache-2.0
// What the command line sets of `lucid prior upscaler`. No libtorch: help is printed without it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lucid::pretrain {

struct UpscaleRequest {
  std::filesystem::path corpus, out, prior;  // prior: whose VAE the pictures pass through, empty = the embedded prior
  int64_t steps = 4000, batch = 16;
  int64_t factor = 4, width = 32, blocks = 8;  // upscale::NetworkConfig
  double rate = 1e-3;                          // learning rate
  uint64_t seed = 0;
  double save_seconds = 120, measure_seconds = 300;
  bool resume = false;
  int64_t threads = 0;  // 0 = all cores
  std::string precision = "auto", progress = "auto";
  std::string command;  // as typed, for the model card
};

}  // namespace lucid::pretrain
