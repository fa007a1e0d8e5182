// SPDX-License-Identifier: Apache-2.0
// One server a folder of runs.
#pragma once

#include <filesystem>

namespace lucid::serve {

/// Holds FOLDER/.lucid-serve.lock for its life. The system frees it when the process ends.
class FolderLock {
 public:
  /// Throws UserError if another server holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

}  // namespace lucid::serve
