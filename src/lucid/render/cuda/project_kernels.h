// SPDX-License-Identifier: Apache-2.0
// CUDA kernels of the forward pass with one thread per Gaussian: the check for NaN and Inf, and the projection.
#pragma once

#include "lucid/render/cuda/platform.h"
#include "lucid/render/cuda/records.h"
#include "lucid/render/per_gaussian.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

inline constexpr unsigned kGaussianThreads = 128;
inline constexpr uint64_t kInvisible = ~uint64_t(0) >> 1;  // depth key that sorts behind every depth
inline constexpr int kDepthBits = 63;                      // the sign bit of a depth is always 0

struct CheckedTensors {
  const float* values[5];
  int64_t sizes[5];
};

/// Checks every element of the cloud, in coalesced strides. The report gets the first that is not finite.
static __global__ void __launch_bounds__(kGaussianThreads) find_not_finite(CheckedTensors tensors, Report* report) {
  const int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (unsigned tensor = 0; tensor < 5; ++tensor) {
    for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < tensors.sizes[tensor]; i += stride) {
      const float value = tensors.values[tensor][i];
      if (value - value == 0) continue;
      uint32_t bits;
      memcpy(&bits, &value, sizeof(bits));
      const unsigned negative = bits >> 31, infinite = value == value ? 2 : 0;
      static_assert(unsigned(NotFinite::kNegativeInfinity) == 3 && unsigned(NotFinite::kNegativeNan) == 1);
      const unsigned long long place = pack_not_finite(tensor, i, NotFinite(infinite + negative));
      atomicMin(&report->first_not_finite, place);
    }
  }
}

/// Outputs of project_gaussians().
struct Projected {
  Splat* splats;          // [N] unset where touched is 0
  Footprint* footprints;  // [N] unset where touched is 0
  uint32_t* touched;      // [N] number of tiles that the footprint intersects
  uint64_t* depth_keys;   // [N] bits of the depth, or kInvisible
  uint32_t* order;        // [N] 0, 1, 2, ...; the values of the sort by depth
  int32_t* radii;         // [N] or null
  Report* report;
};

/// [1]-[9] for each Gaussian, and the number of (tile, Gaussian) pairs in the report.
static __global__ void __launch_bounds__(kGaussianThreads)
    project_gaussians(View<double> view, CloudView<float> cloud, Projected out) {
  __shared__ uint32_t met[kGaussianThreads / kWarp];
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  uint32_t touched = 0;
  if (i < cloud.count) {
    ScreenGaussian on_screen;
    int32_t radius;
    uint64_t key = kInvisible;
    if (splat_of(view, cloud, i, &on_screen, &radius)) touched = tiles_met(on_screen.footprint);
    if (touched > 0) {
      out.splats[i] = on_screen.splat;
      out.footprints[i] = on_screen.footprint;
      key = bits_of(on_screen.depth);
    }
    out.touched[i] = touched;
    out.depth_keys[i] = key;
    out.order[i] = static_cast<uint32_t>(i);
    if (out.radii != nullptr) out.radii[i] = radius;
  }
  const uint32_t of_warp = __reduce_add_sync(kAllLanes, touched);
  if (lane_of_thread() == 0) met[threadIdx.x / kWarp] = of_warp;
  __syncthreads();
  if (threadIdx.x == 0) {
    unsigned long long pairs = 0;
    for (unsigned warp = 0; warp < kGaussianThreads / kWarp; ++warp) pairs += met[warp];
    if (pairs > 0) atomicAdd(&out.report->pairs, pairs);
  }
}

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
