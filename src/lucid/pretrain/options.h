// SPDX-License-Identifier: Apache-2.0
// What the command line sets of `lucid prior train` and `lucid prior sample`. No libtorch: help is printed without it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lucid::pretrain {

/// `lucid prior train`. Its values are the defaults of TrainOptions and RunOptions as well.
struct TrainRequest {
  std::filesystem::path corpus, out, from;
  bool multi_view = false;
  std::string preset = "default";                         // default or tiny
  std::string stage = "all";                              // all, text, vae, unet
  int64_t text_steps = 0, vae_steps = 0, unet_steps = 0;  // 0 = the preset's
  int64_t batch = 0;                                      // of the U-Net; 0 = the preset's
  double unet_rate = 0;                                   // learning rate; 0 = the preset's, a fifth of it with `from`
  uint64_t seed = 0;
  double save_seconds = 300, measure_seconds = 600;
  bool resume = false;
  int64_t threads = 0;  // 0 = all cores
  std::string device = "cpu", precision = "auto", progress = "auto";
  std::string command;  // as typed, for the model card
};

struct SampleOptions {
  int64_t steps = 25;
  double guidance = 4;
  uint64_t seed = 0;
};

}  // namespace lucid::pretrain
