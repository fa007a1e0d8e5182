// SPDX-License-Identifier: Apache-2.0
// Options that several subcommands have, each defined once.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lucid/asset/formats.h"
#include "lucid/config/option_table.h"
#include "requests.h"

namespace lucid::cli {

CLI::Option* add_threads(CLI::App& command, int64_t& threads);
CLI::Option* add_progress(CLI::App& command, std::string& style);
/// An option whose value is a name in asset::kAxesNames. Parsing throws UserError for another name.
CLI::Option* add_axes(CLI::App& command, const std::string& flag, std::optional<asset::Axes>& axes,
                      const std::string& help);

/// The flags of a row of the option table. They put the value, as typed, into `given` under the option's name.
CLI::Option* add_run_option(CLI::App& command, std::map<std::string, std::string>& given, const config::Option& option);

/// The command as typed, apart from where it writes and whether it continues (--out, --resume): for a model card.
std::string as_typed(const CLI::App& command, std::string name);

/// --port, --listen, --host, --token.
void add_page_options(CLI::App& command, PageRequest& page);

}  // namespace lucid::cli
