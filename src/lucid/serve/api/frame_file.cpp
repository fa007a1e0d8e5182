// SPDX-License-Identifier: Apache-2.0
// Looks at the file of a live frame, and reads it.
#include "lucid/serve/api/frame_file.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

namespace lucid::serve {
namespace {

constexpr std::uintmax_t kMostFrameBytes = 64 << 20;  // 4 million Gaussians

}  // namespace

std::optional<Stamp> stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return Stamp{status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

std::string read_frame(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::file_size(file, error) > kMostFrameBytes || error) return {};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return std::move(bytes).str();
}

}  // namespace lucid::serve
