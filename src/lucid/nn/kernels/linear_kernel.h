// SPDX-License-Identifier: Apache-2.0
// LinearKernel: the float32 linear layer y = x weightᵀ + bias, with weights read in the dtype of the checkpoint.
#pragma once

#include <cstdint>

#include "lucid/nn/kernels/kernel_range.h"
#include "lucid/nn/kernels/stored_weights.h"

namespace lucid::nn::kernels {

struct LinearShape {
  int64_t rows = 0, in = 0, out = 0;
};
/// All contiguous.
struct LinearArguments {
  const float* x = nullptr;     // [rows, in]
  StoredWeights weights = {};   // [out, in]
  const float* bias = nullptr;  // [out], or null
  float* y = nullptr;           // [rows, out]
};

/// The functions and sizes for one instruction set.
struct LinearKernel {
  int64_t panel = 0;      // columns of y that are computed together; `out` must be a multiple of it
  int64_t row_block = 0;  // rows that are fastest to compute together
  int64_t scratch = 0;    // float32 elements of scratch memory for a call of multiply
  /// y in `rows` and in the columns of `panels`.
  void (*multiply)(const LinearShape& shape, const KernelRange& rows, const KernelRange& panels,
                   const LinearArguments& arguments, float* scratch) = nullptr;
};

extern const LinearKernel kLinearPortable;
#if defined(__x86_64__)
extern const LinearKernel kLinearAvx2, kLinearAvx512;
#endif

}  // namespace lucid::nn::kernels
