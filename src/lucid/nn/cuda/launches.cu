// SPDX-License-Identifier: Apache-2.0
// The functions of device_kernels.h, compiled by nvcc for a GPU.
#include "lucid/nn/cuda/launches.h"

namespace lucid::nn::cuda {
namespace {
on_device::Stream cuda_stream(void* stream) { return static_cast<on_device::Stream>(stream); }
}  // namespace

bool has_kernels() { return true; }
int64_t group_norm_sums_size(const kernels::NormShape& shape) { return on_device::group_norm_sums_size(shape); }
void group_norm_forward(const GroupNormCall& call, const GroupNormScratch& scratch, void* y, void* stream) {
  on_device::group_norm_forward(call, scratch, y, cuda_stream(stream));
}
void group_norm_backward(const GroupNormCall& call, const GroupNormScratch& scratch, const void* d_y, float* totals,
                         void* d_x, void* stream) {
  on_device::group_norm_backward(call, scratch, d_y, totals, d_x, cuda_stream(stream));
}
void layer_norm(const LayerNormCall& call, void* stream) { on_device::layer_norm(call, cuda_stream(stream)); }
void gated_gelu(Dtype dtype, int64_t rows, int width, const void* ab, void* y, void* stream) {
  on_device::gated_gelu(dtype, rows, width, ab, y, cuda_stream(stream));
}
void sum(const SumCall& call, void* stream) { on_device::sum(call, cuda_stream(stream)); }

}  // namespace lucid::nn::cuda
