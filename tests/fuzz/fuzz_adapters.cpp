// SPDX-License-Identifier: Apache-2.0
// LoRAs and textual inversions for a small pipeline: read, and applied with scale 0, which computes every change.
#include "goldens.h"
#include "lucid/base/error.h"
#include "lucid/text_to_image/lora.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/text_to_image/textual_inversion.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static text_to_image::Prior prior =
      text_to_image::load_prior(lucid::test::source_dir() / "models" / "mini");  // any prior's names will do
  const lucid::fuzz::MemoryFile file(data, size);
  try {
    text_to_image::apply_lora(text_to_image::read_lora(file.path(), prior), 0, prior);
  } catch (const lucid::UserError&) {
  }
  try {
    text_to_image::read_inversions(file.path(), "<word>");
  } catch (const lucid::UserError&) {
  }
  return 0;
}
