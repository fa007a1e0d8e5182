// SPDX-License-Identifier: Apache-2.0
// The functions of randn.h, compiled by nvcc for a GPU.
#include "lucid/tensor/cuda/randn.h"

#include "lucid/tensor/cuda/randn_kernels.h"

namespace lucid::tensor::cuda {

bool has_kernels() { return true; }
void randn(const NormalRun& run, int64_t count, float* out, void* stream) {
  on_device::randn(run, count, out, static_cast<on_device::Stream>(stream));
}

}  // namespace lucid::tensor::cuda
