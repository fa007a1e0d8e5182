// SPDX-License-Identifier: Apache-2.0
// A weight file in memory, without reading what nobody asks for.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lucid::weights {

/// A mapping that lives as long as any tensor that points into it. Pages may be written to; the file never changes.
class MappedFile {
 public:
  /// Throws UserError where `file` cannot be read, is no regular file or is empty; `expected` is the hint.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& file, const std::string& expected);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view bytes() const { return {data_, size_}; }
  /// Lets a tensor's pages go if it points into this file and they were never written to; whoever reads them again gets
  /// them from the file again.
  void release_pages(const torch::Tensor& tensor) const;

 private:
  MappedFile(char* data, size_t size) : data_(data), size_(size) {}
  char* data_;
  size_t size_;
};

/// A tensor over `file`'s bytes from `offset` where their alignment allows it, else a copy. The caller has checked that
/// they lie in the file.
torch::Tensor tensor_at(const std::shared_ptr<const MappedFile>& file, size_t offset, const std::vector<int64_t>& shape,
                        torch::ScalarType type);

}  // namespace lucid::weights
