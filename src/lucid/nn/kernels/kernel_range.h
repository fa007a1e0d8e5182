// SPDX-License-Identifier: Apache-2.0
// A part of what a kernel is asked for.
#pragma once

#include <cstdint>

namespace lucid::nn::kernels {

/// Rows, tiles, or panels of channels, [begin, end). Always inline: kernels are compiled for instruction sets of their
/// own, and may emit no function of a header.
struct KernelRange {
  int64_t begin = 0, end = 0;
  [[gnu::always_inline]] int64_t size() const { return end - begin; }
};

}  // namespace lucid::nn::kernels
