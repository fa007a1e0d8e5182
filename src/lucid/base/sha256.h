// SPDX-License-Identifier: Apache-2.0
// SHA-256 digests of bytes and files, by OpenSSL; used in a run's manifest.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lucid {

/// Lower-case hex digest, 64 characters.
std::string sha256_of_bytes(std::string_view bytes);

/// Lower-case hex digest of a file. Throws UserError if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace lucid
