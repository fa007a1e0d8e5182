// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the rows of a batch. The first byte chooses the format.
#include "lucid/base/error.h"
#include "lucid/batch/rows.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr const char* kExtensions[] = {".txt", ".csv", ".jsonl"};
  const lucid::fuzz::MemoryFile file(data + 1, size - 1, kExtensions[data[0] % 3]);
  try {
    lucid::batch::read_rows(file.path());
  } catch (const lucid::UserError&) {
  }
  return 0;
}
