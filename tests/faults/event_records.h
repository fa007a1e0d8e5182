// SPDX-License-Identifier: Apache-2.0
// Reads the scalars of TensorBoard event files, for tests that compare runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/base/atomic_file.h"

namespace lucid::test {

/// The records of all event files in a folder, in the order of their steps, each without its wall time. A torn record
/// throws.
inline std::vector<std::pair<uint64_t, std::string>> event_records(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().starts_with("events.out.tfevents")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::pair<uint64_t, std::string>> records;
  for (const auto& file : files) {
    const std::string bytes = lucid::read_file(file);
    for (size_t at = 0; at < bytes.size();) {
      uint64_t length = 0;
      if (bytes.size() - at < 16) throw std::runtime_error(file.string() + ": a torn record");
      std::memcpy(&length, bytes.data() + at, 8);
      if (length > bytes.size() - at - 16) throw std::runtime_error(file.string() + ": a torn record");
      const std::string event = bytes.substr(at + 12, length);
      at += 16 + length;
      if (event.find("brain.Event") != std::string::npos) continue;
      // double wall_time = 1 (9 bytes), then the tag of `step` and its varint.
      uint64_t step = 0;
      for (size_t i = 10, shift = 0;; ++i, shift += 7) {
        step |= static_cast<uint64_t>(event.at(i) & 0x7F) << shift;
        if ((event.at(i) & 0x80) == 0) break;
      }
      records.emplace_back(step, event.substr(9));
    }
  }
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return records;
}

}  // namespace lucid::test
