// SPDX-License-Identifier: Apache-2.0
// Fuzz target: gives the same bytes to every reader of a JSON file of a diffusers folder.
#include "lucid/base/error.h"
#include "lucid/diffusion/control_net.h"
#include "lucid/diffusion/schedule.h"
#include "lucid/diffusion/unet_config.h"
#include "lucid/diffusion/vae_config.h"
#include "lucid/text/encoder.h"
#include "lucid/text_to_image/view_anchors.h"
#include "memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lucid::fuzz::MemoryFile file(data, size);
  const auto attempt = [](const auto& read) {
    try {
      read();
    } catch (const lucid::UserError&) {
    }
  };
  attempt([&] { lucid::diffusion::UNetConfig::from_file(file.path()); });
  attempt([&] { lucid::diffusion::VaeConfig::from_file(file.path()); });
  attempt([&] { lucid::diffusion::ControlNetConfig::from_file(file.path()); });
  attempt([&] { lucid::diffusion::ScheduleConfig::from_file(file.path()); });
  attempt([&] { lucid::text::EncoderConfig::from_file(file.path()); });
  attempt([&] { lucid::text_to_image::ViewAnchors::read(file.path()); });
  return 0;
}
