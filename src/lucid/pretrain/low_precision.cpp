// SPDX-License-Identifier: Apache-2.0
// Autocast under the names that each version of libtorch has for it. Norms and gates are fused.h's.
#include "lucid/pretrain/low_precision.h"

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

namespace lucid::pretrain {

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
LowPrecision::Autocast LowPrecision::autocast_of(torch::DeviceType device) {
  return {.on = at::autocast::is_autocast_enabled(device),
          .type = at::autocast::get_autocast_dtype(device),
          .keeps_casts = at::autocast::is_autocast_cache_enabled()};
}

void LowPrecision::set_autocast(torch::DeviceType device, const Autocast& autocast) {
  at::autocast::set_autocast_enabled(device, autocast.on);
  at::autocast::set_autocast_dtype(device, autocast.type);
  at::autocast::set_autocast_cache_enabled(autocast.keeps_casts);
}
#else
LowPrecision::Autocast LowPrecision::autocast_of(torch::DeviceType device) {
  const bool cpu = device == torch::kCPU;
  return {.on = cpu ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled(),
          .type = cpu ? at::autocast::get_autocast_cpu_dtype() : at::autocast::get_autocast_gpu_dtype(),
          .keeps_casts = at::autocast::is_autocast_cache_enabled()};
}

void LowPrecision::set_autocast(torch::DeviceType device, const Autocast& autocast) {
  if (device == torch::kCPU) {
    at::autocast::set_cpu_enabled(autocast.on);
    at::autocast::set_autocast_cpu_dtype(autocast.type);
  } else {
    at::autocast::set_enabled(autocast.on);
    at::autocast::set_autocast_gpu_dtype(autocast.type);
  }
  at::autocast::set_autocast_cache_enabled(autocast.keeps_casts);
}
#endif

LowPrecision::LowPrecision(bool enabled, torch::DeviceType device)
    : enabled_(enabled), device_(device), before_(autocast_of(device)) {
  // No cache of cast weights: each weight is used once per pass, and the cache would be shared by all threads.
  if (enabled_) set_autocast(device_, {.on = true, .type = torch::kBFloat16, .keeps_casts = false});
}

LowPrecision::~LowPrecision() {
  if (enabled_) set_autocast(device_, before_);
}

}  // namespace lucid::pretrain
