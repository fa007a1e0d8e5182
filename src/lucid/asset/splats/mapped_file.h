// SPDX-License-Identifier: Apache-2.0
// MappedFile: the bytes of a regular file, mapped read-only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace lucid::asset {

class MappedFile {
 public:
  /// Throws UserError if the file is missing, empty or not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lucid::asset
