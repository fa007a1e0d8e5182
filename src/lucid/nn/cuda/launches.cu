// SPDX-License-Identifier: Apache-2.0
// See fused_device.h.
#include "lucid/nn/cuda/launches.h"

namespace lucid::nn::cuda {
namespace {
on_device::Stream of(void* stream) { return static_cast<on_device::Stream>(stream); }
}  // namespace

bool has_kernels() { return true; }
int64_t group_norm_sums(const kernels::NormShape& shape) { return on_device::sums_size(shape); }
void group_norm_forward(const GroupNormCall& call, const GroupNormScratch& scratch, void* y, void* stream) {
  on_device::group_norm_forward(call, scratch, y, of(stream));
}
void group_norm_backward(const GroupNormCall& call, const GroupNormScratch& scratch, const void* dy, float* totals,
                         void* dx, void* stream) {
  on_device::group_norm_backward(call, scratch, dy, totals, dx, of(stream));
}
void layer_norm(const LayerNormCall& call, void* stream) { on_device::layer_norm(call, of(stream)); }
void gated_gelu(Number number, int64_t rows, int width, const void* ab, void* y, void* stream) {
  on_device::gated_gelu(number, rows, width, ab, y, of(stream));
}
void sum(const SumCall& call, void* stream) { on_device::sum(call, of(stream)); }

}  // namespace lucid::nn::cuda
