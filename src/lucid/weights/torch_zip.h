// SPDX-License-Identifier: Apache-2.0
// torch.save's zip archive: a pickle, and an entry for each storage of numbers.
#pragma once

#include <torch/torch.h>
#include <zip.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "lucid/base/mapped_file.h"
#include "lucid/weights/zip_entries.h"

namespace lucid::weights {

inline constexpr const char* kExpectedTorchFile = "a file that torch.save wrote was expected";

/// An opened archive. The number, places and sizes of all entries that may be read are checked against the file's size
/// and the limits before anything is read. Every member throws UserError for a damaged file.
class TorchZip {
 public:
  explicit TorchZip(const std::filesystem::path& file);

  uint64_t file_size() const { return mapping_->size(); }
  const std::shared_ptr<const MappedFile>& mapping() const { return mapping_; }
  std::string pickle() const;
  /// The numbers of the storage `key`, [count]; a view of the file where it is stored uncompressed.
  torch::Tensor storage(const std::string& key, int64_t count, torch::ScalarType type) const;
  /// Whether a big-endian machine wrote the numbers.
  bool big_endian() const;

 private:
  zip_stat_t stat(zip_int64_t index) const;
  zip_int64_t locate(const std::string& name) const;
  void read(zip_int64_t index, char* to, uint64_t count) const;

  std::filesystem::path file_;
  std::shared_ptr<const MappedFile> mapping_;
  std::map<std::string, ZipEntry, std::less<>> stored_;
  std::unique_ptr<zip_t, void (*)(zip_t*)> zip_{nullptr, &zip_discard};
  std::string root_;  // the folder inside the archive, with its slash
};

}  // namespace lucid::weights
