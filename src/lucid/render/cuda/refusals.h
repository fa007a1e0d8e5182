// SPDX-License-Identifier: Apache-2.0
// Exceptions and checks of the CUDA backend. The .cpp is compiled by the host compiler, which keeps fmt out of nvcc.
#pragma once

#include <cstddef>
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

[[noreturn]] void refuse_cuda(const char* what, const char* hint);                  // UserError
[[noreturn]] void refuse_pairs();                                                   // std::length_error
[[noreturn]] void refuse_not_finite(uint64_t packed, int64_t rows, int sh_degree);  // std::invalid_argument
// The next three throw std::logic_error if their condition is false.
void check_jobs(bool distinct, int number);
void check_frame(bool there, int number, size_t frames);
void check_same_cloud(int64_t count, int sh_degree, int64_t forward_count, int forward_sh_degree);

}  // namespace lucid::render::cuda
