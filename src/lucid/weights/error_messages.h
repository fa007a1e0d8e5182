// SPDX-License-Identifier: Apache-2.0
// The one line about a weight file that is not what it says.
#pragma once

#include <filesystem>
#include <string>

#include "lucid/base/error.h"

namespace lucid::weights {

/// A name from a hostile file may be a hundred megabytes long; a message may not.
inline std::string shortened(const std::string& name) {
  constexpr size_t kShown = 200;
  return name.size() <= kShown ? name : name.substr(0, kShown) + "…";
}

/// Throws UserError about `file`; `name` is the tensor or entry that is wrong, if it is one.
[[noreturn]] inline void throw_damaged(const std::filesystem::path& file, const std::string& what,
                                       const std::string& name = "") {
  throw UserError({.what_happened = what,
                   .file = file.string(),
                   .key = shortened(name),
                   .hint = "the file is damaged or cut short; fetch it again"});
}

}  // namespace lucid::weights
