// SPDX-License-Identifier: Apache-2.0
// Amounts of memory as users type them.
#pragma once

#include <string>

namespace lucid::app {

/// "3G", "1.5G", "800M" in bytes (units of 1024); 0 for an empty text. Throws UserError with the key `memory`.
double bytes_of(const std::string& text);

std::string size_text(double bytes);  // "1.5G", "820M"

}  // namespace lucid::app
