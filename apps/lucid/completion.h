// SPDX-License-Identifier: Apache-2.0
// Completion scripts for shells, and the manual page. Both come from the command line's own definitions.
#pragma once

#include <string>

#include "command_line.h"

namespace lucid::cli {

/// The script of "bash", "zsh" or "fish".
std::string completion_script(const CommandLine& line, const std::string& shell);

/// lucid(1) in the macros of man(7).
std::string manual_page(const CommandLine& line);

}  // namespace lucid::cli
