// SPDX-License-Identifier: Apache-2.0
// KernelRange: the rows, tiles or panels that one call of a kernel computes.
#pragma once

#include <cstdint>

namespace lucid::nn::kernels {

/// [begin, end). size() is always inlined: each kernel file is compiled for its own instruction set and must not emit a
/// shared function.
struct KernelRange {
  int64_t begin = 0, end = 0;
  [[gnu::always_inline]] int64_t size() const { return end - begin; }
};

}  // namespace lucid::nn::kernels
