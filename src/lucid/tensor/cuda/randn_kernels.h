// SPDX-License-Identifier: Apache-2.0
// Kernel that draws the normals of an Rng's stream (base/philox.h) on a GPU. A million of them take a CPU 20 ms, and
// their copy to the GPU takes as long as encoding a small image.
#pragma once

#include "lucid/base/cuda/platform.h"
#include "lucid/base/philox.h"

namespace lucid::tensor::LUCID_CUDA_PLATFORM {

using namespace lucid::cuda::LUCID_CUDA_PLATFORM;

inline constexpr unsigned kBlock = 256;  // threads per block

/// out [count]. Each thread draws a pair; the run's spare, if any, comes first.
static __global__ void __launch_bounds__(kBlock) draw_normals(NormalRun run, int64_t count, float* out) {
  const int64_t pair = blockIdx.x * int64_t(kBlock) + threadIdx.x;
  const int64_t at = 2 * pair + (run.has_spare ? 1 : 0);
  if (pair == 0 && run.has_spare) out[0] = float(run.spare);
  if (at >= count) return;
  const NormalPair normals = run.pair(uint64_t(pair));
  out[at] = float(normals.first);
  if (at + 1 < count) out[at + 1] = float(normals.second);
}

inline void randn(const NormalRun& run, int64_t count, float* out, Stream stream) {
  if (count == 0) return;
  launch("draw_normals", draw_normals, blocks_for((count + 1) / 2, kBlock), kBlock, stream, run, count, out);
}

}  // namespace lucid::tensor::LUCID_CUDA_PLATFORM
