// SPDX-License-Identifier: Apache-2.0
// What the kernels and their host code stand on: CUDA under nvcc, and in the tests under any other compiler an
// emulation that runs the same sources without a GPU. Everything that includes this lives in a namespace named after
// the platform, so that both can be linked into one program.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#include "lucid/base/cuda/runtime.h"
#else
#include "lucid/base/cuda/emulation.h"
#endif

namespace lucid::cuda::LUCID_CUDA_PLATFORM {

inline constexpr unsigned kWarp = 32, kAllLanes = 0xffffffffu;

__device__ inline unsigned lane_of_thread() { return threadIdx.x % kWarp; }

/// Positive doubles and their bits have the same order.
__device__ inline uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline unsigned blocks_for(int64_t threads, unsigned block) {
  return static_cast<unsigned>((threads + block - 1) / block);
}

}  // namespace lucid::cuda::LUCID_CUDA_PLATFORM
