// SPDX-License-Identifier: Apache-2.0
// The check of a number that is a flag of one command and no option of a run.
#pragma once

namespace lucid::config {

/// Throws UserError that names the flag and the range unless low <= value <= high. NaN is outside.
void check_range(const char* flag, double value, double low, double high);

}  // namespace lucid::config
