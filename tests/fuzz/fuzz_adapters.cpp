// SPDX-License-Identifier: Apache-2.0
// LoRAs and textual inversions for a small pipeline: read, and applied with scale 0, which computes every change.
#include "goldens.h"
#include "lucid/adapters/lora.h"
#include "lucid/adapters/textual_inversion.h"
#include "lucid/base/error.h"
#include "lucid/distill/prior.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static lucid::distill::Prior prior =
      lucid::distill::load_prior(lucid::test::source_dir() / "models" / "mini");  // any prior's names will do
  const lucid::fuzz::MemoryFile file(data, size);
  try {
    lucid::adapters::apply(lucid::adapters::read_lora(file.path(), prior), 0, prior);
  } catch (const lucid::UserError&) {
  }
  try {
    lucid::adapters::read_inversions(file.path(), "<word>");
  } catch (const lucid::UserError&) {
  }
  return 0;
}
