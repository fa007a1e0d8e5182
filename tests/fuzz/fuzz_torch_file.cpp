// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the reader of torch.save's two formats, and the translation of latent-diffusion names.
#include "lucid/base/error.h"
#include "lucid/weights/ldm.h"
#include "lucid/weights/torch_file.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lucid::fuzz::MemoryFile file(data, size);
  try {
    const lucid::weights::StateDict state = lucid::weights::read_torch_file(file.path());
    for (const auto& [name, tensor] : state.tensors) {
      if (tensor.numel() <= int64_t{1} << 20) tensor.contiguous();  // with strides of 0 a tensor may be huge
    }
    if (lucid::weights::is_ldm(state)) lucid::weights::split_ldm(state);
  } catch (const lucid::UserError&) {
  }
  return 0;
}
