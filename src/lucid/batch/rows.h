// SPDX-License-Identifier: Apache-2.0
// The rows of a batch as they stand in a file: .txt (a prompt a line), .csv (with a header) or .jsonl (an object a
// line).
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "lucid/base/error.h"

namespace lucid::batch {

struct TextRow {
  int line = 0;  // 1-based, where the row begins
  std::string prompt = {};
  std::vector<std::pair<std::string, std::string>> options = {};  // names as they are spelt there, in order
};

struct TextRows {
  std::vector<TextRow> rows;
  std::vector<UserMistake> mistakes;  // of single rows
};

/// Reads all rows; the extension says how. Blank lines are skipped, of .txt also those that begin with '#'. A byte
/// order mark and carriage returns are left out. CSV is RFC 4180: fields in double quotes may hold commas, line breaks
/// and doubled quotes; an empty field gives no option. JSON lines: {"prompt": "...", "options": {"seed": 3}}, or the
/// options beside the prompt; null gives no option. Throws UserError if the file cannot be read as a whole.
TextRows read_rows(const std::filesystem::path& file);

}  // namespace lucid::batch
