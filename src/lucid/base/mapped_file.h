// SPDX-License-Identifier: Apache-2.0
// Memory-mapped file (mmap): pages are read from disk on first access.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace lucid {

/// A private mapping, shared with what points into it. Writing to a page changes memory, never the file.
class MappedFile {
 public:
  /// Throws UserError if `file` cannot be read, is no regular file or is empty. `expected` is the error's hint.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file, const std::string& expected);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view bytes() const { return {data_, size_}; }
  /// Frees the whole pages of [data, data + size) (MADV_DONTNEED); the next read loads them from the file again. They
  /// must not have been written to. Does nothing for memory outside this file.
  void release_pages(const void* data, size_t size) const;

 private:
  MappedFile(char* data, size_t size) : data_(data), size_(size) {}
  char* data_;
  size_t size_;
};

}  // namespace lucid
