// SPDX-License-Identifier: Apache-2.0
// What the CUDA backend says when it cannot go on. Compiled by the host compiler: the formatting library is none of
// nvcc's business.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lucid/base/inline.h"

namespace lucid::render::cuda {

/// Where a cloud's first number that is none stands: tensor (as in tensors_of()), element, and which of four it is.
/// Packed so that the smallest is the one that the CPU check would find first.
inline constexpr uint64_t kAllFinite = ~uint64_t(0);
enum class NotFinite : unsigned { kNan, kNegativeNan, kInfinity, kNegativeInfinity };
LUCID_INLINE uint64_t pack_not_finite(unsigned tensor, int64_t element, NotFinite kind) {
  return uint64_t(tensor) << 56 | uint64_t(element) << 2 | uint64_t(kind);
}

[[noreturn]] void refuse_cuda(const char* what, const char* hint);                  // UserError
[[noreturn]] void refuse_pairs();                                                   // std::length_error
[[noreturn]] void refuse_not_finite(uint64_t packed, int64_t rows, int sh_degree);  // std::invalid_argument
void check_jobs(bool distinct, int number);                                         // std::logic_error, as the next two
void check_frame(bool there, int number, size_t frames);
void check_same_cloud(int64_t count, int sh_degree, int64_t forward_count, int forward_sh_degree);

}  // namespace lucid::render::cuda
