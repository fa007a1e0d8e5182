// SPDX-License-Identifier: Apache-2.0
// What a process of lucid has written to its log for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lucid::serve {

/// The lines "lucid: ..." from byte `begin` on, without the "lucid: "; at most the last 20, from the last 64 kB. Each
/// is valid UTF-8 and at most 1000 bytes long.
std::vector<std::string> messages(const std::filesystem::path& log, int64_t begin);

/// Bytes of the file; 0 if there is none.
int64_t bytes_of(const std::filesystem::path& file);

}  // namespace lucid::serve
