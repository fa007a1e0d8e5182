// SPDX-License-Identifier: Apache-2.0
// Which options of a run an edit has, and its presets.
#pragma once

#include <string>

#include "lucid/app/run_options/run_options.h"

namespace lucid::app {

/// Whether `lucid edit` does not have the option, or has it by another name.
bool is_no_option_of_edits(const config::Option& option);

/// "edit", "edit_shape" or "edit_ip2p", as the change and the score say.
std::string edit_preset(const RunOptions& options);

}  // namespace lucid::app
