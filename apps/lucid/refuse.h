// SPDX-License-Identifier: Apache-2.0
// The error of a command line that cannot be meant so.
#pragma once

#include <string>

#include "lucid/base/error.h"

namespace lucid::cli {

/// Throws UserError: `key` is the flag, `what` is wrong with it.
[[noreturn]] inline void refuse(const std::string& key, const std::string& what, const std::string& hint = "") {
  throw UserError({.what_happened = what, .key = key, .hint = hint});
}

}  // namespace lucid::cli
