// SPDX-License-Identifier: Apache-2.0
// The file of a run's newest live frame, as the server looks at it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lucid::serve {

/// Tells one version of a file from another: a new frame is a new file under the same name.
struct Stamp {
  ino_t node = 0;
  int64_t seconds = 0, nanoseconds = 0;
  bool operator==(const Stamp&) const = default;
};

/// None if there is no file.
std::optional<Stamp> stamp_of(const std::filesystem::path& file);

/// Empty if the file is gone or too large.
std::string read_frame(const std::filesystem::path& file);

}  // namespace lucid::serve
