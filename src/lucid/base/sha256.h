// SPDX-License-Identifier: Apache-2.0
// SHA-256, for the manifest of a run (OpenSSL does the work).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lucid {

std::string sha256_of_bytes(std::string_view bytes);

/// Lower-case hex digest of the file's bytes. Throws UserError when it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace lucid
