// SPDX-License-Identifier: Apache-2.0
// parallel_for on OpenMP threads: the rasteriser, libtorch and OpenBLAS then share one thread pool.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace lucid {

/// Calls body(i) for every i in [0, count). Threads take chunks of `grain` indices as they become free (dynamic
/// schedule). Runs serially inside another parallel region. `body` must not throw.
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
