// SPDX-License-Identifier: Apache-2.0
// CUDA kernel for the last step of the backward pass, one thread per Gaussian: adds the sums of its tiles and applies
// the chain rule. It computes in double: on the supported cards that is half the float rate, and the kernel is limited
// by memory.
#pragma once

#include "lucid/render/cuda/project_kernels.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

struct PairSums {
  const PairGradient* pairs;   // [capacity]
  const uint32_t* first_slot;  // [N]
  const uint32_t* touched;     // [N]
  const Splat* splats;         // [N]
  int64_t capacity;
};

inline constexpr uint32_t kMaxPairsPerThread =
    32;  // one thread adds up to this many pairs; more are added by the whole warp

__device__ inline void add_over_warp(double* value) {
  for (int bits = 16; bits > 0; bits /= 2) *value += __shfl_xor_sync(kAllLanes, *value, bits);
}

/// Adds one Gaussian's `count` pairs with all lanes of the warp, in an order that depends only on `count`.
__device__ inline PairTotals warp_sum(const PairGradient* pairs, uint32_t count) {
  PairTotals total;
  for (uint32_t k = lane_of_thread(); k < count; k += kWarp) add_pair(pairs[k], &total);
  Moments<double>& m = total.moments;
  double* const values[] = {&total.red, &total.green, &total.blue, &total.depth, &m.g, &m.t, &m.y, &m.tt, &m.ty, &m.yy};
  for (double* const value : values) add_over_warp(value);
  return total;
}

static __global__ void __launch_bounds__(kGaussianThreads)
    gather_gradients(View<double> view, CloudView<float> cloud, PairSums sums, CloudGradients<float> out) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  const bool there = i < cloud.count;
  const uint32_t touched = there ? sums.touched[i] : 0, first = touched > 0 ? sums.first_slot[i] : 0;
  uint32_t count = touched;
  if (int64_t(first) + count > sums.capacity) {  // pairs beyond the capacity were left out and have no sums
    count = first < sums.capacity ? static_cast<uint32_t>(sums.capacity - first) : 0;
  }
  PairTotals total;
  if (count <= kMaxPairsPerThread) {
    for (uint32_t k = 0; k < count; ++k) add_pair(sums.pairs[first + k], &total);
  }
  for (unsigned large = __ballot_sync(kAllLanes, count > kMaxPairsPerThread); large != 0; large &= large - 1) {
    const int lane = __ffs(int(large)) - 1;
    const uint32_t its_first = __shfl_sync(kAllLanes, first, lane), its_count = __shfl_sync(kAllLanes, count, lane);
    const PairTotals its_total = warp_sum(sums.pairs + its_first, its_count);
    if (int(lane_of_thread()) == lane) total = its_total;
  }
  if (!there) return;
  if (touched == 0) {
    write_zero_gradients(i, cloud.sh_degree, out);
  } else {
    write_gradients(view, cloud, i, sums.splats[i], total, out);
  }
}

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
