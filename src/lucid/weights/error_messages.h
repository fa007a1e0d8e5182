// SPDX-License-Identifier: Apache-2.0
// Text of error messages about weight files: names cut to a readable length, shapes, and
// the error of a damaged file.
#pragma once

#include <c10/util/ArrayRef.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <string>

#include "lucid/base/error.h"

namespace lucid::weights {

/// `name`, cut after 200 bytes: a hostile file may hold names of a hundred megabytes.
inline std::string shortened(const std::string& name) {
  constexpr size_t kShown = 200;
  return name.size() <= kShown ? name : name.substr(0, kShown) + "…";
}

/// A tensor's shape as "[2,3]".
inline std::string shape_text(c10::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ","));
}

/// Throws UserError: `file` is damaged. `what` says how; `name` is the tensor or entry at fault, if there is one.
[[noreturn]] inline void throw_damaged(const std::filesystem::path& file, const std::string& what,
                                       const std::string& name = "") {
  throw UserError({.what_happened = what,
                   .file = file.string(),
                   .key = shortened(name),
                   .hint = "the file is damaged or cut short; fetch it again"});
}

}  // namespace lucid::weights
