// SPDX-License-Identifier: Apache-2.0
// The outcome of a batch: report.html for people, summary.json for programs, and counts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/batch/folder.h"

namespace lucid::batch {

struct Counts {
  int finished = 0, failed = 0, interrupted = 0, working = 0, waiting = 0;
};
Counts count(const std::vector<RowView>& rows);
/// "7 finished, 1 failed, 2 waiting"
std::string words_of(const Counts& counts);

/// One page without scripts. Its pictures are named relative to `root`, where it is to lie.
std::string report_html(const std::vector<RowView>& rows, const std::filesystem::path& root);
std::string summary_json(const std::vector<RowView>& rows, const std::filesystem::path& root);
/// Writes both into `root`.
void write_report(const std::vector<RowView>& rows, const std::filesystem::path& root);

}  // namespace lucid::batch
