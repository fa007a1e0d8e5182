// SPDX-License-Identifier: Apache-2.0
// AppendFile: a new file that grows record by record, for logs that others read while a run writes them.
#pragma once

#include <filesystem>
#include <string_view>

namespace lucid {

/// Appends are whole and in order, and others see them at once; sync() puts them on the disk. All throw UserError.
class AppendFile {
 public:
  /// Creates the file. Returns false in `created` where a file of that name exists, and the object is then of no use.
  AppendFile(std::filesystem::path path, bool& created);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void append(std::string_view bytes);
  void sync();

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

/// Cuts a file off after its first `size` bytes. Throws UserError.
void cut_file(const std::filesystem::path& path, size_t size);

}  // namespace lucid
