// SPDX-License-Identifier: Apache-2.0
// Autocast, and norms that libtorch 1.13 computes wrongly (group norm, channels last) or slowly in bfloat16.
#include "lucid/prior/low_precision.h"

#include <ATen/autocast_mode.h>
#include <torch/library.h>
#include <torch/torch.h>

#if TORCH_VERSION_MAJOR < 2
namespace {

using OptionalTensor = c10::optional<at::Tensor>;

at::Tensor float_group_norm(const at::Tensor& x, int64_t groups, const OptionalTensor& weight,
                            const OptionalTensor& bias, double eps, bool cudnn) {
  const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::DispatchKey::AutocastCPU);
  return at::group_norm(x.to(at::kFloat), groups, weight, bias, eps, cudnn);
}

at::Tensor float_layer_norm(const at::Tensor& x, at::IntArrayRef shape, const OptionalTensor& weight,
                            const OptionalTensor& bias, double eps, bool cudnn) {
  const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::DispatchKey::AutocastCPU);
  return at::layer_norm(x.to(at::kFloat), shape, weight, bias, eps, cudnn);
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, AutocastCPU, library) {
  library.impl("group_norm", TORCH_FN(float_group_norm));
  library.impl("layer_norm", TORCH_FN(float_layer_norm));
}
#endif

namespace lucid::prior {

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
  // Each weight is used once a pass, so nothing is gained by keeping its cast; the store is shared by all threads.
  if (enabled_) set_autocast(device_, {.on = true, .type = torch::kBFloat16, .keeps_casts = false});
}

LowPrecision::~LowPrecision() {
  if (enabled_) set_autocast(device_, before_);
}

bool has_fast_bfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace lucid::prior
