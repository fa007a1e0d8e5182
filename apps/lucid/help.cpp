// SPDX-License-Identifier: Apache-2.0
// The layout of help pages: rows of flags, wrapped text, and one option in full.
#include "help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace lucid::cli {
namespace {

constexpr size_t kMostLeft = 30, kIndent = 2;  // columns; longer left texts stand on a line of their own

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

std::string long_name(const CLI::Option& option) {
  if (!option.get_lnames().empty()) return fmt::format("--{}", option.get_lnames().front());
  return option.get_snames().empty() ? option.get_name() : fmt::format("-{}", option.get_snames().front());
}

}  // namespace

size_t help_width() {
  constexpr int kPipe = 80, kNarrowest = 40, kWidest = 120;
  int width = 0;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) width = std::atoi(columns);
  winsize size{};
  if (width <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  return static_cast<size_t>(width <= 0 ? kPipe : std::clamp(width, kNarrowest, kWidest));
}

std::vector<std::string> wrapped(const std::string& text, size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) {
      const std::string word = text.substr(begin, end - begin);
      if (!line.empty() && line.size() + 1 + word.size() > width) {
        lines.push_back(line);
        line.clear();
      }
      if (!line.empty()) line += ' ';
      line += word;
    }
    begin = end + 1;
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string format(const HelpPage& page, size_t width) {
  std::string text;
  for (const std::string& line : wrapped(page.about, width)) text += line + "\n";
  if (!page.usage.empty()) {
    text += "\n";
    const std::vector<std::string> usage = wrapped(page.usage, width - 11);
    for (size_t i = 0; i < usage.size(); ++i) text += (i == 0 ? "Usage: " : "           ") + usage[i] + "\n";
  }
  size_t left = 0;
  for (const HelpSection& section : page.sections) {
    for (const HelpRow& row : section.rows)
      if (row.left.size() <= kMostLeft) left = std::max(left, row.left.size());
  }
  left = std::min(left, width / 2 - kIndent);
  const size_t column = kIndent + left + 2;
  for (const HelpSection& section : page.sections) {
    if (section.rows.empty()) continue;
    text += fmt::format("\n{}:\n", section.heading);
    for (const HelpRow& row : section.rows) {
      std::string line = std::string(kIndent, ' ') + row.left;
      if (row.left.size() > left) {
        text += line + "\n";
        line.clear();
      }
      for (const std::string& part : wrapped(row.text, width - column)) {
        text += fmt::format("{:<{}}{}\n", line, column, part);
        line.clear();
      }
      if (!line.empty()) text += line + "\n";
    }
  }
  if (!page.footer.empty()) text += "\n" + page.footer + "\n";
  return text;
}

HelpRow row_of(const CLI::Option& option) {
  std::string left, text = option.get_description();
  if (option.get_positional()) {
    left = option.get_type_name().empty() ? option.get_name() : option.get_type_name();
  } else {
    if (!option.get_snames().empty()) left = fmt::format("-{}, ", option.get_snames().front());
    left += long_name(option);
    if (!is_flag(option)) left += fmt::format(" {}", option.get_type_name());
  }
  if (!option.get_default_str().empty() && !is_flag(option)) {
    const std::string value = option.get_default_str();
    if (value != "\"\"" && value != "[]") text += fmt::format(" [{}]", value);
  }
  if (option.get_required() && !option.get_positional()) text += " (required)";
  return {.left = left, .text = text};
}

HelpPage page_of(const CLI::App& app) {
  std::string path = app.get_name(), parts;
  for (const CLI::App* parent = app.get_parent(); parent != nullptr; parent = parent->get_parent())
    path = fmt::format("{} {}", parent->get_name(), path);
  HelpPage page{.usage = path, .about = app.get_description(), .sections = {}, .footer = app.get_footer()};
  HelpSection commands{.heading = "Commands", .rows = {}}, arguments{.heading = "Arguments", .rows = {}};
  std::vector<HelpSection> options;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) {
      const HelpRow row = row_of(*option);
      parts += fmt::format(fmt::runtime(option->get_required() ? " {}" : " [{}]"), row.left);
      if (option->get_items_expected_max() > 1) parts += "...";
      arguments.rows.push_back(row);
      continue;
    }
    auto at = std::ranges::find(options, option->get_group(), &HelpSection::heading);
    if (at == options.end()) at = options.insert(at, {.heading = option->get_group(), .rows = {}});
    at->rows.push_back(row_of(*option));
  }
  for (const CLI::App* command : app.get_subcommands({}))
    commands.rows.push_back({.left = command->get_name(), .text = command->get_description()});
  if (!commands.rows.empty()) page.usage += app.get_require_subcommand_min() > 0 ? " COMMAND" : " [COMMAND]";
  page.usage += " [OPTIONS]" + parts;
  page.sections = {commands, arguments};
  page.sections.insert(page.sections.end(), options.begin(), options.end());
  return page;
}

std::string usage_of(const config::Option& option) {
  const std::string flag = config::flag_of(option);
  if (std::holds_alternative<bool*>(option.field)) return fmt::format("--[no-]{}", flag.substr(2));
  if (!option.value_name.empty()) return flag + " " + option.value_name;
  if (!option.choices.empty()) return fmt::format("{} {}", flag, fmt::join(option.choices, "|"));
  if (std::holds_alternative<config::PairField>(option.field)) return flag + " LOW HIGH";
  const bool is_text = std::holds_alternative<std::string*>(option.field);
  const bool is_real = std::holds_alternative<double*>(option.field);
  return flag + (is_text ? " TEXT" : is_real ? " X" : " N");
}

std::string format_option(const config::Option& option, const std::string& default_text, size_t width) {
  const std::string key = option.yaml_group.empty() ? option.name : option.yaml_group + ": " + option.name;
  std::vector<std::string> others = config::spellings_of(option);
  others.erase(others.begin());
  HelpSection facts{.heading = usage_of(option),
                    .rows = {{"Allowed", config::allowed_text(option)}, {"Default", default_text}, {"YAML key", key}}};
  if (!others.empty()) facts.rows.push_back({"Also", fmt::format("{}", fmt::join(others, ", "))});
  facts.rows.push_back({"Group", option.group});
  if (!option.affects_result) facts.rows.push_back({"Resuming", "May change when a run is resumed."});
  return format({.usage = "", .about = option.help, .sections = {facts}, .footer = ""}, width);
}

}  // namespace lucid::cli
