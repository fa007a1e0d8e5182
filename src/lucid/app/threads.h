// SPDX-License-Identifier: Apache-2.0
// One number of threads for everything that computes.
#pragma once

#include <cstdint>

namespace lucid::app {

/// 0 = all cores this process may use. libtorch takes one thread unless told; OpenMP is told the same number.
void set_threads(int64_t threads);

}  // namespace lucid::app
