// SPDX-License-Identifier: Apache-2.0
// The platform that CUDA kernels and their host code are compiled against: CUDA itself under nvcc (runtime.h), an
// emulation on the CPU under any other compiler (emulation.h, tests only). All code that includes this file lives in a
// namespace named after the platform, so one program can link both.
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

/// The bits of a double. Positive doubles sort like their bits as integers.
__device__ inline uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// The number of blocks of `block` threads that hold at least `threads` threads.
inline unsigned blocks_for(int64_t threads, unsigned block) {
  return static_cast<unsigned>((threads + block - 1) / block);
}

}  // namespace lucid::cuda::LUCID_CUDA_PLATFORM
