// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the reader of a zip's directory. Entries must lie inside the file, and without a problem they are apart.
#include <cstdlib>

#include "lucid/weights/zip_entries.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto entries = lucid::weights::stored_zip_entries(file);
  uint64_t sum = 0;
  for (const auto& [name, entry] : entries) {
    if (entry.offset > size || entry.size > size - entry.offset) std::abort();
    sum += entry.size;
  }
  if (lucid::weights::zip_problem(file).empty() && sum > size) std::abort();
  return 0;
}
