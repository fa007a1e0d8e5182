// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the safetensors reader. It must throw a UserError or give tensors whose every number can be read.
#include "lucid/base/error.h"
#include "lucid/weights/state_dict.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lucid::fuzz::MemoryFile file(data, size);
  try {
    for (const auto& [name, tensor] : lucid::weights::read_safetensors(file.path()).tensors) tensor.clone();
  } catch (const lucid::UserError&) {
  }
  return 0;
}
