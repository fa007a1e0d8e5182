// SPDX-License-Identifier: Apache-2.0
// Test fixture: the tiny prior that the golden files of LoRA and textual inversion were made with.
#pragma once

#include "goldens.h"
#include "lucid/diffusion/golden_test.h"
#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image::test {

inline std::filesystem::path folder() { return lucid::test::goldens() / "adapters"; }

inline diffusion::test::Tensors tensors(const std::string& name) {
  return weights::read_safetensors(folder() / (name + ".safetensors")).tensors;
}

inline Prior make_prior() {
  const std::filesystem::path distilled = lucid::test::goldens() / "distill";
  return {.tokenizer = text::Tokenizer::from_folder(folder() / "tokenizer"),
          .encoder = text::load_encoder(folder() / "text_encoder"),
          .unet = diffusion::load_unet(distilled / "unet"),
          .vae = diffusion::load_vae(distilled / "vae"),
          .schedule = diffusion::Schedule({}),
          .folder = {},
          .weight_files = {}};
}

}  // namespace lucid::text_to_image::test
