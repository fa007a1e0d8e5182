// SPDX-License-Identifier: Apache-2.0
// Atomic file writes: a temporary file beside the target, fsync, rename, fsync of the folder. A crash leaves the old
// file or the new one, never a part of one. Also whole-file reads and folders.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace lucid {

/// The system calls that make a write durable, with their C signatures. A test passes its own, to see or to fail them.
struct DurabilityCalls {
  std::function<int(int file)> fsync;
  std::function<int(const char* from, const char* to)> rename;
  static DurabilityCalls of_system();
};

/// Writes `bytes` to `path` and creates missing parent folders. Throws UserError if the path cannot be written or the
/// disk is full; the old file then stays as it was.
void write_file(const std::filesystem::path& path, std::string_view bytes,
                const DurabilityCalls& calls = DurabilityCalls::of_system());

/// The same for writers that need a file name (libav, libpng): `write` creates the file at the temporary path that it
/// is passed. The temporary name has the extension of `path`.
void write_file_with(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& write,
                     const DurabilityCalls& calls = DurabilityCalls::of_system());

/// The name that `path` has until it is whole: hidden, with this process's id, and with the extension of `path`.
std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Removes files with such names from `folder` and below, except those of other processes that live on this machine:
/// what killed processes have left.
void remove_unfinished_files(const std::filesystem::path& folder);

/// Returns the bytes of the whole file. Throws UserError if it cannot be read or is longer than `limit` bytes.
std::string read_file(const std::filesystem::path& path, size_t limit = size_t{1} << 30);

/// Creates a folder and its parents; an existing folder is no error. Throws UserError.
void make_folder(const std::filesystem::path& path);

}  // namespace lucid
