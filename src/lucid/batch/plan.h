// SPDX-License-Identifier: Apache-2.0
// A batch: its rows with their options, checked as `lucid generate` would.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/batch/rows.h"
#include "lucid/config/option_table.h"

namespace lucid::batch {

using GivenOptions = std::map<std::string, std::string>;  // value by option name

/// What the command line gives for all rows.
struct Defaults {
  std::string config_file = {};  // YAML, empty = none
  GivenOptions options = {};
};

struct Row {
  int number = 0;         // from 1
  int line = 0;           // in the file
  std::string name = {};  // of its folder: "0003_a_red_car"
  std::string prompt = {};
  GivenOptions options = {};  // defaults and the row's own
  int64_t steps = 0;
  std::string key = {};  // digest of prompt and options that affect the result
};

struct Batch {
  std::string file = {}, config_file = {};  // absolute paths
  std::vector<Row> rows = {};
};

/// Completes and checks the rows. `mistakes` gets one for each row that has any, with file and line.
Batch plan_batch(const std::filesystem::path& file, const TextRows& text, const Defaults& defaults,
                 std::vector<UserMistake>& mistakes);

}  // namespace lucid::batch
