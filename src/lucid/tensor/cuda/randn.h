// SPDX-License-Identifier: Apache-2.0
// The GPU kernel of tensor/randn.h on plain pointers, without CUDA headers.
#pragma once

#include <cstdint>

#include "lucid/base/philox.h"

namespace lucid::tensor::cuda {

/// Whether this build has CUDA kernels. If not, randn throws std::logic_error.
bool has_kernels();

/// Writes the first `count` normals of a run to device memory out [count], queued in `stream` (a cudaStream_t).
void randn(const NormalRun& run, int64_t count, float* out, void* stream);

}  // namespace lucid::tensor::cuda
