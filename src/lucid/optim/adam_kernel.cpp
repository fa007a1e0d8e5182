// SPDX-License-Identifier: Apache-2.0
// Fused Adam update: one loop over blocks of the array, multithreaded.
#include "lucid/optim/adam_kernel.h"

#include <cmath>

#include "lucid/base/parallel.h"

namespace lucid::optim {

void adam_update(float* __restrict parameter, const float* __restrict gradient, float* __restrict m,
                 float* __restrict v, int64_t count, const AdamScalars& scalars) {
  constexpr int64_t kBlock = 16384;
  const AdamScalars s = scalars;
  parallel_for((count + kBlock - 1) / kBlock, 1, [=](int64_t block) {
    const int64_t end = std::min(count, (block + 1) * kBlock);
    for (int64_t i = block * kBlock; i < end; ++i) {
      const float g = gradient[i];
      // In double, rounded once like torch's lerp: in float32 a small m would lose digits where gradient and m cancel.
      m[i] = static_cast<float>(m[i] + static_cast<double>(s.one_minus_beta1) * (g - m[i]));
      v[i] = s.beta2 * v[i] + s.one_minus_beta2 * g * g;
      parameter[i] -= s.step_size * m[i] / (std::sqrt(v[i]) / s.root_correction + s.eps);
    }
  });
}

}  // namespace lucid::optim
