// SPDX-License-Identifier: Apache-2.0
// libtorch's intra-op pool and ours are both OpenMP's.
#include "lucid/app/threads.h"

#include <omp.h>
#include <torch/torch.h>

#include "lucid/base/machine.h"

namespace lucid::app {

void set_threads(int64_t threads) {
  const int count = threads > 0 ? static_cast<int>(threads) : core_count();
  omp_set_num_threads(count);
  at::set_num_threads(count);
}

}  // namespace lucid::app
