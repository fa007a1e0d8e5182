// SPDX-License-Identifier: Apache-2.0
// Where tests find things: golden files in tests/goldens, or in the folder that the environment variable LUCID_GOLDENS
// names (same layout, other random seeds); the source tree; the program; temporary folders.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace lucid::test {

/// Folders of this build. Only places.cpp is compiled with them: the compiler cache serves clones in other folders.
std::filesystem::path source_dir();
std::string lucid_program();

inline bool goldens_are_committed() {
  const char* folder = std::getenv("LUCID_GOLDENS");
  return folder == nullptr || *folder == '\0';
}
inline std::filesystem::path goldens() {
  return goldens_are_committed() ? source_dir() / "tests/goldens" : std::filesystem::path(std::getenv("LUCID_GOLDENS"));
}

/// The .safetensors files of a folder of goldens, by name. Throws if the folder is missing or holds fewer than
/// `committed` files (another folder than tests/goldens: none), so that a loop over them cannot pass by doing nothing.
inline std::vector<std::filesystem::path> golden_files(const std::filesystem::path& folder, size_t committed) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(goldens() / folder)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.size() < (goldens_are_committed() ? committed : 1)) {
    throw std::runtime_error((goldens() / folder).string() + " lacks golden files");
  }
  return files;
}

/// A new folder under the system's temporary directory; the destructor removes it.
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
