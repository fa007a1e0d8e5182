// SPDX-License-Identifier: Apache-2.0
// y = x weightᵀ + bias in float32 by weights as they are stored.
#pragma once

#include <cstdint>

#include "lucid/nn/kernels/kernel_range.h"
#include "lucid/nn/kernels/stored_weights.h"

namespace lucid::nn::kernels {

/// x [rows, in] and y [rows, out] without gaps; weights [out, in]; bias [out] or none.
struct LinearShape {
  int64_t rows = 0, in = 0, out = 0;
};
struct LinearNumbers {
  const float* x = nullptr;
  StoredWeights weights = {};
  const float* bias = nullptr;
  float* y = nullptr;
};

/// How one instruction set does it.
struct LinearKernel {
  int64_t panel = 0;    // columns of y that are computed together; out is a multiple of it
  int64_t rows = 0;     // that are best computed together
  int64_t scratch = 0;  // float32 numbers that multiply works in
  void (*multiply)(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
                   const LinearNumbers& numbers, float* scratch) = nullptr;
};

extern const LinearKernel kLinearPortable;
#if defined(__x86_64__)
extern const LinearKernel kLinearAvx2, kLinearAvx512;
#endif

}  // namespace lucid::nn::kernels
