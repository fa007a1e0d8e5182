// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the layouts of single-file checkpoints. Each line of the input is a tensor, "name" or "name 2 3", with
// at most four extents of one digit. What the translation gives must be tensors of the input.
#include <cstdlib>

#include "lucid/base/error.h"
#include "lucid/text_to_image/single_file.h"
#include "lucid/weights/ldm.h"

namespace {

lucid::weights::StateDict state_of(std::string_view text) {
  lucid::weights::StateDict state{.file = "x.safetensors", .tensors = {}};
  while (!text.empty() && state.tensors.size() < 300) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t space = line.find(' ');
    std::vector<int64_t> shape;
    for (size_t i = space; i < line.size() && shape.size() < 4; ++i) {
      if (line[i] >= '0' && line[i] <= '9') shape.push_back(line[i] - '0');
    }
    state.tensors.emplace(line.substr(0, space), torch::zeros({1}).expand(shape));
  }
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const torch::NoGradGuard no_grad;
  const lucid::weights::StateDict state = state_of({reinterpret_cast<const char*>(data), size});
  const auto attempt = [](const auto& read) {
    try {
      read();
    } catch (const lucid::UserError&) {
    }
  };
  attempt([&] { lucid::weights::control_net_of(state); });
  attempt([&] { lucid::weights::open_clip_text(state); });
  attempt([&] { lucid::weights::ldm_unet(state); });
  if (!lucid::weights::is_ldm(state)) return 0;
  attempt([&] {
    const lucid::weights::LdmParts parts = lucid::weights::split_ldm(state);
    for (const auto* part : {&parts.unet, &parts.vae, &parts.text}) {
      for (const auto& [name, tensor] : part->tensors) {
        if (!tensor.defined()) std::abort();
      }
    }
    attempt([&] { lucid::text_to_image::unet_config_of(parts); });
    attempt([&] { lucid::text_to_image::vae_config_of(parts); });
    attempt([&] { lucid::text_to_image::encoder_config_of(parts); });
  });
  return 0;
}
