// SPDX-License-Identifier: Apache-2.0
// Fused Adam update of one float array on the CPU: reads and writes memory once. Without torch, because it is compiled
// with its own flags.
#pragma once

#include <cstdint>

namespace lucid::optim {

/// The coefficients of step t.
struct AdamScalars {
  float beta2;
  float one_minus_beta1, one_minus_beta2;  // computed in double: in float, 1 - 0.999f is wrong by 1e-5
  float root_correction;                   // sqrt(1 - beta2^t)
  float step_size;                         // learning rate / (1 - beta1^t)
  float eps;
};

/// m += (1 - beta1) (gradient - m); v = beta2 v + (1 - beta2) gradient^2;
/// parameter -= step_size * m / (sqrt(v) / root_correction + eps). All arrays have `count` elements.
void adam_update(float* parameter, const float* gradient, float* m, float* v, int64_t count, const AdamScalars& s);

}  // namespace lucid::optim
