// SPDX-License-Identifier: Apache-2.0
// Memory-mapped weight file (mmap): pages are read from disk on first access.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lucid::weights {

/// A private mapping, shared with the tensors that point into it. Writing to a page changes memory, never the file.
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
  /// Frees the pages of a tensor that points into this file (MADV_DONTNEED); the next read loads them from the file
  /// again. The pages must not have been written to. Does nothing for other tensors.
  void release_pages(const torch::Tensor& tensor) const;

 private:
  MappedFile(char* data, size_t size) : data_(data), size_(size) {}
  char* data_;
  size_t size_;
};

/// A tensor over the bytes of `file` from `offset`: a view if they are aligned for `type`, else a copy. The caller must
/// have checked that the bytes lie inside the file.
torch::Tensor tensor_at(const std::shared_ptr<const MappedFile>& file, size_t offset, const std::vector<int64_t>& shape,
                        torch::ScalarType type);

}  // namespace lucid::weights
