// SPDX-License-Identifier: Apache-2.0
// The kernel behind randn.h on a GPU, for those who have no CUDA headers.
#pragma once

#include <cstdint>

#include "lucid/base/philox.h"

namespace lucid::tensor::cuda {

/// Whether this build has it; randn throws std::logic_error where not.
bool has_kernels();

/// The first `count` normals of a run, queued in `stream`.
void randn(const NormalRun& run, int64_t count, float* out, void* stream);

}  // namespace lucid::tensor::cuda
