// SPDX-License-Identifier: Apache-2.0
// Parser of a zip's central directory. Every number is checked against the file's size before it is used.
#include "lucid/weights/zip_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "lucid/weights/limits.h"

namespace lucid::weights {
namespace {

constexpr uint32_t kLocal = 0x04034B50, kCentral = 0x02014B50, kEnd = 0x06054B50;
constexpr uint32_t kEnd64 = 0x06064B50, kEnd64Locator = 0x07064B50;
constexpr size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocatorSize = 20;
constexpr size_t kMaxComment = 0xFFFF;
constexpr uint32_t kZip64Escape = 0xFFFFFFFF;  // means: the 64-bit number is in the extra field

/// A record of the zip format that lies inside the file as a whole.
class Record {
 public:
  static std::optional<Record> at(std::string_view file, uint64_t offset, size_t size, uint32_t signature) {
    if (offset > file.size() || file.size() - offset < size) return std::nullopt;
    const Record record(file.substr(offset, size));
    if (record.get<uint32_t>(0) != signature) return std::nullopt;
    return record;
  }
  template <class Number>  // little-endian, as this machine
  Number get(size_t at) const {
    Number number;
    std::memcpy(&number, bytes_.data() + at, sizeof(number));
    return number;
  }

 private:
  explicit Record(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

struct Directory {
  uint64_t entries = 0, offset = 0;
};

std::optional<Directory> find_directory(std::string_view file) {
  if (file.size() < kEndSize) return std::nullopt;
  const size_t last = file.size() - kEndSize, first = last > kMaxComment ? last - kMaxComment : 0;
  for (size_t at = last;; --at) {
    if (const auto end = Record::at(file, at, kEndSize, kEnd)) {
      const Directory found{.entries = end->get<uint16_t>(10), .offset = end->get<uint32_t>(16)};
      if (found.entries != 0xFFFF && found.offset != kZip64Escape) return found;
      const auto locator =
          at < kLocatorSize ? std::nullopt : Record::at(file, at - kLocatorSize, kLocatorSize, kEnd64Locator);
      const auto end64 =
          locator ? Record::at(file, locator->get<uint64_t>(8), kEnd64Size, kEnd64) : std::optional<Record>();
      if (!end64) return std::nullopt;
      return Directory{.entries = end64->get<uint64_t>(32), .offset = end64->get<uint64_t>(48)};
    }
    if (at == first) return std::nullopt;
  }
}

/// Replaces each of `numbers` that is kZip64Escape by the next 64-bit number of the zip64 extra field (id 1). False if
/// the field does not hold them.
bool read_zip64(std::string_view extra, std::initializer_list<uint64_t*> numbers) {
  if (std::ranges::none_of(numbers, [](const uint64_t* number) { return *number == kZip64Escape; })) return true;
  while (extra.size() >= 4) {
    uint16_t id = 0, size = 0;
    std::memcpy(&id, extra.data(), 2);
    std::memcpy(&size, extra.data() + 2, 2);
    if (extra.size() - 4 < size) return false;
    std::string_view field = extra.substr(4, size);
    extra.remove_prefix(4 + size_t{size});
    if (id != 1) continue;
    for (uint64_t* number : numbers) {
      if (*number != kZip64Escape) continue;
      if (field.size() < sizeof(*number)) return false;
      std::memcpy(number, field.data(), sizeof(*number));
      field.remove_prefix(sizeof(*number));
    }
    return true;
  }
  return false;
}

/// An entry of the central directory whose bytes lie inside the file.
struct Entry {
  std::string_view name;
  uint64_t begin = 0;          // of its local header
  uint64_t data = 0, end = 0;  // its packed bytes
  uint64_t size = 0;           // unpacked
  bool stored = false;         // neither compressed nor encrypted
};

/// The entries that keep to the format, in the directory's order, kMostZipEntries at most.
std::vector<Entry> read_directory(std::string_view file) {
  std::vector<Entry> result;
  const auto directory = find_directory(file);
  if (!directory) return result;
  uint64_t at = directory->offset;
  for (uint64_t i = 0; i < std::min(directory->entries, kMostZipEntries); ++i) {
    const auto entry = Record::at(file, at, kCentralSize, kCentral);
    if (!entry) return result;
    const uint64_t name_at = at + kCentralSize, name_size = entry->get<uint16_t>(28);
    const uint64_t extra_size = entry->get<uint16_t>(30), comment_size = entry->get<uint16_t>(32);
    at = name_at + name_size + extra_size + comment_size;
    if (at > file.size()) return result;
    uint64_t packed = entry->get<uint32_t>(20), size = entry->get<uint32_t>(24), local_at = entry->get<uint32_t>(42);
    const bool stored = entry->get<uint16_t>(10) == 0 && (entry->get<uint16_t>(8) & 1) == 0;  // nor encrypted
    if (!read_zip64(file.substr(name_at + name_size, extra_size), {&size, &packed, &local_at})) continue;
    const auto local = Record::at(file, local_at, kLocalSize, kLocal);
    if (!local) continue;
    const uint64_t data = local_at + kLocalSize + local->get<uint16_t>(26) + local->get<uint16_t>(28);
    if (data > file.size() || file.size() - data < packed) continue;
    result.push_back({.name = file.substr(name_at, name_size),
                      .begin = local_at,
                      .data = data,
                      .end = data + packed,
                      .size = size,
                      .stored = stored});
  }
  return result;
}

}  // namespace

std::map<std::string, ZipEntry, std::less<>> stored_zip_entries(std::string_view file) {
  std::map<std::string, ZipEntry, std::less<>> result;
  for (const Entry& entry : read_directory(file)) {
    if (!entry.stored || entry.size != entry.end - entry.data) continue;
    result.emplace(entry.name, ZipEntry{.offset = entry.data, .size = entry.size});
  }
  return result;
}

std::string zip_problem(std::string_view file) {
  const auto directory = find_directory(file);
  if (directory && directory->entries > kMostZipEntries)
    return fmt::format("has {} entries, at most {} are read", directory->entries, kMostZipEntries);
  std::vector<Entry> entries = read_directory(file);
  std::ranges::sort(entries, {}, &Entry::begin);
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].begin < entries[i - 1].end) {
      return fmt::format("two of its entries share bytes: {} and {}", entries[i - 1].name.substr(0, 100),
                         entries[i].name.substr(0, 100));
    }
  }
  return "";
}

}  // namespace lucid::weights
