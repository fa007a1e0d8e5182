// SPDX-License-Identifier: Apache-2.0
// Parser of the model table, with a check of each column.
#include "lucid/corpus/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::corpus {
namespace {

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) {
    const size_t begin = part.find_first_not_of(" \r"), end = part.find_last_not_of(" \r");
    parts.push_back(begin == std::string::npos ? "" : part.substr(begin, end - begin + 1));
  }
  return parts;
}

bool is_name(const std::string& text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || c == ' '; };
  return !text.empty() && std::ranges::all_of(text, allowed) && std::ranges::count(text, ' ') <= 2;
}

}  // namespace

std::vector<TableRow> read_table(const std::filesystem::path& file) {
  std::vector<TableRow> rows;
  std::set<std::string> seen;
  std::istringstream in(read_file(file));
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const auto fail = [&](const std::string& what) {
      return UserError({.what_happened = what,
                        .file = file.string(),
                        .line = number,
                        .hint = "columns: id, word, yaw, mirror (y/n), recolour (y/n), synonyms; tabs between them"});
    };
    const std::vector<std::string> cells = split(line, '\t');
    if (cells.size() < 5 || cells.size() > 6) throw fail(fmt::format("{} columns", cells.size()));
    TableRow row{.id = cells[0], .word = cells[1], .synonyms = {}};
    if (row.id.empty() || !seen.insert(row.id).second)
      throw fail(fmt::format("\"{}\" stands twice or is empty", row.id));
    const std::string& yaw = cells[2];
    const auto parsed = std::from_chars(yaw.data(), yaw.data() + yaw.size(), row.yaw);
    if (parsed.ec != std::errc() || parsed.ptr != yaw.data() + yaw.size() || !std::isfinite(row.yaw)) {
      throw fail(fmt::format("yaw \"{}\" is no number", yaw));
    }
    for (const size_t cell : {size_t{3}, size_t{4}}) {
      if (cells[cell] != "y" && cells[cell] != "n") throw fail(fmt::format("\"{}\" is neither y nor n", cells[cell]));
    }
    row.mirrors = cells[3] == "y";
    row.recolours = cells[4] == "y";
    if (cells.size() == 6 && !cells[5].empty()) row.synonyms = split(cells[5], ',');
    if (!is_name(row.word)) throw fail(fmt::format("\"{}\" is not one to three lower-case words", row.word));
    for (const std::string& synonym : row.synonyms) {
      if (!is_name(synonym)) throw fail(fmt::format("\"{}\" is not one to three lower-case words", synonym));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace lucid::corpus
