// SPDX-License-Identifier: Apache-2.0
// Where golden tensors lie: tests/goldens, or the folder that LUCID_GOLDENS names (same layout, other seeds).
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace lucid::test {

inline std::filesystem::path goldens() {
  const char* folder = std::getenv("LUCID_GOLDENS");
  return folder != nullptr && *folder != '\0' ? folder : LUCID_SOURCE_DIR "/tests/goldens";
}
inline std::filesystem::path source_dir() { return LUCID_SOURCE_DIR; }

/// A folder of this test's own under the system's temporary directory, removed at the end.
struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "lucid-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

}  // namespace lucid::test
