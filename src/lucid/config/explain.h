// SPDX-License-Identifier: Apache-2.0
// A table of every option's value, where the value comes from and what it does. `lucid config explain` prints it.
#pragma once

#include <string>

#include "lucid/config/option_table.h"

namespace lucid::config {

/// One line a key, under the headings of the YAML groups: key, value, default, source ("file.yaml:12", "preset draft",
/// "command line", "default"), what it does. Foreign keys are shown where a file sets them. `defaults` has the same
/// options, none of them set. Long values are cut.
std::string explain(const OptionTable& table, const OptionTable& defaults);

}  // namespace lucid::config
