// SPDX-License-Identifier: Apache-2.0
// Rows of a card's table from a training's log.
#include "lucid/pretrain/measured.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace lucid::pretrain {

double decibel(double mean_square) { return -10 * std::log10(std::max(mean_square, 1e-12)); }

std::string measured_rows(const std::filesystem::path& folder, const std::string& key,
                          const std::vector<std::pair<const char*, const char*>>& meanings) {
  nlohmann::json last;
  std::ifstream in(folder / "progress" / "log.jsonl");
  for (std::string line; std::getline(in, line);) {
    auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.contains(key)) last = std::move(json);
  }
  std::string rows;
  for (const auto& [name, meaning] : meanings) {
    if (last.contains(name) && last.at(name).is_number())
      rows += fmt::format("| {} | {:.4g} |\n", meaning, last.at(name).get<double>());
  }
  return rows.empty() ? "| not measured | |\n" : rows;
}

}  // namespace lucid::pretrain
