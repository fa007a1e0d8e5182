// SPDX-License-Identifier: Apache-2.0
// y = x weight^T + bias in float32 with small weights laid out once for all calls: the libraries' products for AVX2 lay
// them out in every one, which for the few rows of a small map takes as long as multiplying.
#pragma once

#include <cstdint>

#include "lucid/diffusion/kernel_range.h"

namespace lucid::diffusion {

/// x [rows, in] and y [rows, out] without gaps; weights [out / panel, in, panel]; bias [out] or none.
struct LinearShape {
  int64_t rows = 0, in = 0, out = 0;
};
struct LinearNumbers {
  const float* x = nullptr;
  const float* weights = nullptr;
  const float* bias = nullptr;
  float* y = nullptr;
};

/// How one instruction set does it.
struct LinearKernel {
  int64_t panel = 0;  // columns of y that are computed together; out is a multiple of it
  int64_t rows = 0;   // that are best computed together
  void (*multiply)(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
                   const LinearNumbers& numbers) = nullptr;
};

#if defined(__x86_64__)
extern const LinearKernel kLinearAvx2;
#endif

}  // namespace lucid::diffusion
