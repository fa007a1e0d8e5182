// SPDX-License-Identifier: Apache-2.0
// Where in a zip file the entries lie that are not compressed, so that they can be used in place; libzip only copies.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lucid::weights {

struct ZipEntry {
  uint64_t offset = 0, size = 0;  // bytes; within the file
};

/// By name (APPNOTE.TXT 6.3.9, zip64 too). What is not quite as the format says is left out, be it everything.
std::map<std::string, ZipEntry, std::less<>> stored_zip_entries(std::string_view file);

}  // namespace lucid::weights
