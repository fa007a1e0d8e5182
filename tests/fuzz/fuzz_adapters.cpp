// SPDX-License-Identifier: Apache-2.0
// Fuzz target: reads a LoRA and applies it to a small prior with scale 0 (which computes every update), and reads
// textual inversions.
#include "goldens.h"
#include "lucid/base/error.h"
#include "lucid/text_to_image/lora.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/text_to_image/textual_inversion.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static lucid::text_to_image::Prior prior =
      lucid::text_to_image::load_prior(lucid::test::source_dir() / "models" / "mini");  // supplies the layer names
  const lucid::fuzz::MemoryFile file(data, size);
  try {
    lucid::text_to_image::apply_lora(lucid::text_to_image::read_lora(file.path(), prior), 0, prior);
  } catch (const lucid::UserError&) {
  }
  try {
    lucid::text_to_image::read_inversions(file.path(), "<word>");
  } catch (const lucid::UserError&) {
  }
  return 0;
}
