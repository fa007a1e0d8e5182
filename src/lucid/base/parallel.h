// SPDX-License-Identifier: Apache-2.0
// parallel_for over OpenMP, so that the rasteriser, libtorch and OpenBLAS share one thread pool.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace lucid {

/// Calls body(i) for i in [0, count); chunks of `grain` are handed out as threads become free. body must not throw.
template <class Body>
void parallel_for(int64_t count, int64_t grain, const Body& body) {
  if (count <= grain || omp_in_parallel()) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t chunk = 0; chunk < (count + grain - 1) / grain; ++chunk) {
    const int64_t end = std::min(count, (chunk + 1) * grain);
    for (int64_t i = chunk * grain; i < end; ++i) body(i);
  }
}

}  // namespace lucid
