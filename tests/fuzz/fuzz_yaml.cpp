// SPDX-License-Identifier: Apache-2.0
// Fuzz target: a run's YAML configuration. Whatever is accepted must survive its own dump.
#include <cstdlib>

#include "lucid/app/run_options/run_options.h"
#include "lucid/base/error.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lucid::fuzz::MemoryFile file(data, size);
  lucid::app::BoundOptions bound;
  try {
    bound.table.set_from_yaml(file.path(), "config");
  } catch (const lucid::UserError&) {
    return 0;
  }
  const std::string dump = bound.table.dump_yaml();
  const lucid::fuzz::MemoryFile again(reinterpret_cast<const uint8_t*>(dump.data()), dump.size());
  lucid::app::BoundOptions read;
  read.table.set_from_yaml(again.path(), "config");  // a UserError here is a finding
  if (read.table.dump_json() != bound.table.dump_json()) std::abort();
  return 0;
}
