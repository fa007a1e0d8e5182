// SPDX-License-Identifier: Apache-2.0
// What `lucid edit` and `lucid avatar` share: a command that makes a run with some of generate's options.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"

namespace lucid::cli {

struct RunCommand {
  bool (*lacks)(const config::Option& option);  // the command has no such option, or has it by another name
  std::string_view group;                       // the group that the command is for, which every help shows whole
  std::vector<std::string_view> common;         // names of the others that the short help shows
};

/// Appends rows of the options: those of the group to sections[0], the others to sections[1]. In brackets: the values
/// of `defaults`.
void add_option_rows(HelpPage& page, const RunCommand& run, const config::OptionTable& defaults, bool all);

/// Adds --config and the options' flags to `command`, and returns its near flags and the description of one option.
/// `default_of` gives an option's default as text.
Command define_run(CLI::App* command, GenerateRequest& request, const RunCommand& run,
                   std::string (*default_of)(const std::string& name));

}  // namespace lucid::cli
