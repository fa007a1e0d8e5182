// SPDX-License-Identifier: Apache-2.0
// Help texts: pages of headings and rows, wrapped at the terminal's width.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "lucid/config/option_table.h"

namespace lucid::cli {

struct HelpRow {
  std::string left, text;  // "--seed N", what it is
};
struct HelpSection {
  std::string heading;
  std::vector<HelpRow> rows;
};
struct HelpPage {
  std::string usage, about;
  std::vector<HelpSection> sections;
  std::string footer;  // shown as it is
};

/// COLUMNS, else the terminal's width, else 80; between 40 and 120.
size_t help_width();
/// Breaks `text` at spaces into lines of at most `width` bytes; longer words stay whole.
std::vector<std::string> wrapped(const std::string& text, size_t width);
std::string format(const HelpPage& page, size_t width);

/// The page of a command whose options CLI11 holds: each by its first long name.
HelpPage page_of(const CLI::App& app);
HelpRow row_of(const CLI::Option& option);

/// Left column of an option of the table: "--seed N", "--[no-]perpneg", "--device cpu|cuda".
std::string usage_of(const config::Option& option);
/// One option in full: help, allowed values, default, YAML key, other spellings.
std::string format_option(const config::Option& option, const std::string& default_text, size_t width);

}  // namespace lucid::cli
