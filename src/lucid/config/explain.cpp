// SPDX-License-Identifier: Apache-2.0
// Rows of the table, and their columns.
#include "lucid/config/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lucid::config {
namespace {

constexpr size_t kColumns = 5, kLongestCell = 32;
using Row = std::array<std::string, kColumns>;  // key, value, default, source, what it does

/// At most kLongestCell bytes; an empty text as a dash.
std::string cell(const std::string& text) {
  if (text.empty()) return "-";
  if (text.size() <= kLongestCell) return text;
  size_t end = kLongestCell - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // no half of a UTF-8 character
  return text.substr(0, end) + "...";
}

std::string place(const std::string& file, int line) {
  return fmt::format("{}:{}", std::filesystem::path(file).filename().string(), line);
}

std::string source_of(const Option& option) {
  if (option.source == "flag") return "command line";
  return option.source == "config" ? place(option.file, option.line) : option.source;
}

Row row_of_key(const ForeignKey& key) {
  const std::string effect = differs(key, key.value) ? "Ignored: " : "No effect: ";
  return {key.name, cell(key.value), key.same.empty() ? "any" : key.same.front(), place(key.file, key.line),
          effect + key.about};
}

/// The names of the groups in the order of the table.
std::vector<std::string> groups_of(const OptionTable& table) {
  std::vector<std::string> groups;
  const auto add = [&](const std::string& group) {
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
  };
  for (const Option& option : table.options()) add(option.yaml_group);
  for (const ForeignKey& key : table.foreign()) {
    if (key.line > 0) add(key.yaml_group);
  }
  return groups;
}

}  // namespace

std::string explain(const OptionTable& table, const OptionTable& defaults) {
  const Row heading = {"key", "value", "default", "source", "what it does"};
  std::vector<std::pair<std::string, std::vector<Row>>> parts;
  for (const std::string& group : groups_of(table)) {
    std::vector<Row>& rows = parts.emplace_back(group, std::vector<Row>{}).second;
    for (const Option& option : table.options()) {
      if (option.yaml_group != group) continue;
      rows.push_back({option.name, cell(value_text(option)), cell(value_text(defaults.at(option.name))),
                      source_of(option), option.help});
    }
    for (const ForeignKey& key : table.foreign()) {
      if (key.yaml_group == group && key.line > 0) rows.push_back(row_of_key(key));
    }
  }
  std::array<size_t, kColumns> widths{};
  const auto widen = [&](const Row& row) {
    for (size_t c = 0; c < kColumns; ++c) widths[c] = std::max(widths[c], row[c].size());
  };
  widen(heading);
  for (const auto& [group, rows] : parts) std::ranges::for_each(rows, widen);
  const auto line = [&](const Row& row) {
    return fmt::format("  {:<{}}  {:<{}}  {:<{}}  {:<{}}  {}\n", row[0], widths[0], row[1], widths[1], row[2],
                       widths[2], row[3], widths[3], row[4]);
  };
  std::string text = line(heading);
  for (const auto& [group, rows] : parts) {
    text += fmt::format("\n{}\n", group.empty() ? "top level" : group);
    for (const Row& row : rows) text += line(row);
  }
  return text;
}

}  // namespace lucid::config
