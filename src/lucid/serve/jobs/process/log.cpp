// SPDX-License-Identifier: Apache-2.0
// Reads the end of a log.
#include "lucid/serve/jobs/process/log.h"

#include <algorithm>
#include <fstream>

#include "lucid/json/utf8.h"

namespace lucid::serve {

int64_t bytes_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : static_cast<int64_t>(size);
}

std::vector<std::string> messages(const std::filesystem::path& log, int64_t begin) {
  constexpr int64_t kMostBytes = 64 << 10;
  constexpr size_t kMostLines = 20, kLongest = 1000;
  constexpr std::string_view kStart = "lucid: ";
  std::vector<std::string> found;
  std::ifstream in(log, std::ios::binary);
  in.seekg(std::max(begin, bytes_of(log) - kMostBytes));
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(kStart)) continue;
    found.push_back(valid_utf8(line.substr(kStart.size(), kLongest)));
    if (found.size() > kMostLines) found.erase(found.begin());
  }
  return found;
}

}  // namespace lucid::serve
