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
namespace {

void switch_autocast(bool on) {
  // Each weight is used once a pass, so nothing is gained by keeping its cast; the store is shared by all threads.
  at::autocast::set_autocast_cache_enabled(!on);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_enabled(at::kCPU, on);
#else
  at::autocast::set_cpu_enabled(on);
#endif
}

}  // namespace

LowPrecision::LowPrecision(bool enabled) : enabled_(enabled) {
  if (enabled_) switch_autocast(true);
}

LowPrecision::~LowPrecision() {
  if (enabled_) switch_autocast(false);
}

bool has_fast_bfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace lucid::prior
