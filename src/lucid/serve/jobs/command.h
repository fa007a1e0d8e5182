// SPDX-License-Identifier: Apache-2.0
// The command line of a run: checks of its options, the arguments of its process, and the line that a person would
// type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lucid/config/option_table.h"

namespace lucid::serve {

using GivenOptions = std::map<std::string, std::string>;  // value by option name

/// Whether only the server sets the option: those of one process, and the formats of exports.
bool is_set_by_server(const std::string& name);

/// What the options of a run come to.
struct RunPlan {
  std::string preset, device, command;  // `command`: "lucid generate --seed 3 'a hamburger'"
  int64_t seed = 0, steps = 0;
};

/// What `lucid edit` is given beside its options.
struct EditPlan {
  std::string from;             // the asset's prompt
  std::filesystem::path asset;  // its run's folder, as the command names it
};

/// Checks prompt and options as the command line does. `edit`: null for `lucid generate`. Throws ProblemError (status
/// 400, "bad-option").
RunPlan plan_run(const std::string& prompt, const GivenOptions& given, bool accepts_paths,
                 const EditPlan* edit = nullptr);

/// Checks names and values alone, without a preset. Throws UserError.
void check_given(const GivenOptions& given);

/// The arguments that give the options, each as one word: "--seed=3", "--no-perpneg".
std::vector<std::string> option_arguments(const GivenOptions& given);

/// Words as a POSIX shell reads them.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace lucid::serve
