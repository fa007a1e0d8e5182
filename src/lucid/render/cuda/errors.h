// SPDX-License-Identifier: Apache-2.0
// Exceptions of the CUDA backend alone; inputs.h has those that it shares with the CPU. The .cpp is compiled by the
// host compiler, which keeps fmt out of nvcc.
#pragma once

#include <cstdint>

#include "lucid/base/inline.h"

namespace lucid::render::cuda {

/// Position and kind of a NaN or Inf in a cloud: array (index in tensors_of()), flat element, kind. Packed so that the
/// smallest value is the one that the CPU check finds first.
inline constexpr uint64_t kAllFinite = ~uint64_t(0);
enum class NotFinite : unsigned { kNan, kNegativeNan, kInfinity, kNegativeInfinity };
LUCID_INLINE uint64_t pack_not_finite(unsigned tensor, int64_t element, NotFinite kind) {
  return uint64_t(tensor) << 56 | uint64_t(element) << 2 | uint64_t(kind);
}

[[noreturn]] void throw_no_cuda(const char* what, const char* hint);               // UserError
[[noreturn]] void throw_not_finite(uint64_t packed, int64_t rows, int sh_degree);  // std::invalid_argument

}  // namespace lucid::render::cuda
