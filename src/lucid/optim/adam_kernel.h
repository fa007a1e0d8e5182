// SPDX-License-Identifier: Apache-2.0
// One Adam update of one array, fused: memory is read and written once. No torch: compiled with its own flags.
#pragma once

#include <cstdint>

namespace lucid::optim {

struct AdamScalars {
  float keep_v;           // beta 2
  float take_m, take_v;   // 1 - beta 1, 1 - beta 2: given, since 1 - 0.999f is 1e-5 off
  float root_correction;  // sqrt(1 - beta2^t)
  float step_size;        // rate / (1 - beta1^t)
  float eps;
};

/// parameter -= step_size * m / (sqrt(v) / root_correction + eps), after m and v took in the gradient.
void adam_update(float* parameter, const float* gradient, float* m, float* v, int64_t count, const AdamScalars& s);

}  // namespace lucid::optim
