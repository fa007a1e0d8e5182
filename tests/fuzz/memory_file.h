// SPDX-License-Identifier: Apache-2.0
// MemoryFile: an in-memory file (memfd) with the fuzzer's bytes, which the readers open by its path. Readers that go by
// the extension get a link to it that has one.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace lucid::fuzz {

class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size, const std::string& extension = "")
      : descriptor_(memfd_create("fuzz", 0)), path_("/proc/self/fd/" + std::to_string(descriptor_)) {
    if (descriptor_ < 0 || write(descriptor_, data, size) != static_cast<ssize_t>(size)) std::abort();
    if (extension.empty()) return;
    link_ = std::filesystem::temp_directory_path() / ("lucid-fuzz-" + std::to_string(getpid()) + extension);
    std::filesystem::remove(link_);
    std::filesystem::create_symlink(path_, link_);
  }
  ~MemoryFile() {
    close(descriptor_);
    std::error_code none;
    if (!link_.empty()) std::filesystem::remove(link_, none);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const std::filesystem::path& path() const { return link_.empty() ? path_ : link_; }

 private:
  int descriptor_;
  std::filesystem::path path_, link_;
};

}  // namespace lucid::fuzz
