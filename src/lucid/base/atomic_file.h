// SPDX-License-Identifier: Apache-2.0
// Files that are either whole or not there: written to a temporary name beside the target, fsync'ed, renamed.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace lucid {

/// Writes bytes to `path`, making its folders. Throws UserError (unwritable, disk full); the old file then stands
/// untouched.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// For writers that want a file name (libav, libpng): `write` fills the temporary path it is given; the extension is
/// kept.
void write_file_with(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& write);

/// The whole file. Throws UserError when it cannot be read or is longer than `limit` bytes.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 30);

/// Makes a folder and its parents. Throws UserError.
void make_folder(const std::filesystem::path& path);

}  // namespace lucid
