// SPDX-License-Identifier: Apache-2.0
// Byte ranges of the uncompressed entries of a zip file, for reading them in place from a mapping. libzip only copies.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lucid::weights {

struct ZipEntry {
  uint64_t offset = 0, size = 0;  // bytes; always inside the file
};

/// The entries stored without compression or encryption, by name (APPNOTE.TXT 6.3.9, with zip64). Entries that break
/// the format are left out; a file whose directory cannot be read gives none.
std::map<std::string, ZipEntry, std::less<>> stored_zip_entries(std::string_view file);

/// What is wrong with a zip before a library opens it, or "": more than kMostZipEntries entries (libzip takes 400 bytes
/// for each), or entries that share bytes of the file, with which a small file unpacks to a huge one.
std::string zip_problem(std::string_view file);

}  // namespace lucid::weights
