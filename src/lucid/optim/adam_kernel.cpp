// SPDX-License-Identifier: Apache-2.0
// The fused loop of Adam, in blocks that threads share.
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
      // Rounded once, as torch's lerp is: where gradient and moment cancel, float32 would lose digits of a small m.
      m[i] = static_cast<float>(m[i] + static_cast<double>(s.take_m) * (g - m[i]));
      v[i] = s.keep_v * v[i] + s.take_v * g * g;
      parameter[i] -= s.step_size * m[i] / (std::sqrt(v[i]) / s.root_correction + s.eps);
    }
  });
}

}  // namespace lucid::optim
