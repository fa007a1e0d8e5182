// SPDX-License-Identifier: Apache-2.0
// Measurements of a training: their unit, and the last ones of its log as rows of a card's table.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lucid::pretrain {

/// Peak signal-to-noise ratio in dB of a mean squared error of values in 0..1; at most 120.
double decibel(double mean_square);

/// Rows "| meaning | value |" of the last line of FOLDER/progress/log.jsonl that has `key`, in the order of `meanings`
/// (name of a number, its meaning); numbers that the line lacks are left out.
std::string measured_rows(const std::filesystem::path& folder, const std::string& key,
                          const std::vector<std::pair<const char*, const char*>>& meanings);

}  // namespace lucid::pretrain
