// SPDX-License-Identifier: Apache-2.0
// What the command line sets of `lucid prior shape`. No libtorch: help is printed without it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "lucid/corpus/build.h"

namespace lucid::pretrain {

struct ShapeRequest {
  corpus::BuildOptions models;       // library, table, only; its seed chooses the combinations that are held out
  std::filesystem::path out, prior;  // of the model; whose text encoder reads the prompts, empty = the embedded prior
  int64_t steps = 3000, batch = 16;
  int64_t width = 128, hidden = 256, code_width = 16;  // shape::DecoderConfig
  double rate = 2e-3;                                  // learning rate
  bool leave_out = false;                              // measure on models that it does not learn
  uint64_t seed = 0;
  double save_seconds = 120, measure_seconds = 120;
  bool resume = false;
  int64_t threads = 0;  // 0 = all cores
  std::string precision = "auto", progress = "auto";
  std::string command;  // as typed, for the model card
};

}  // namespace lucid::pretrain
