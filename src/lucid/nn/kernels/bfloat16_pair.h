// SPDX-License-Identifier: Apache-2.0
// For the files that are compiled for AVX512-BF16: always inlined, so that no copy is emitted that others could be
// linked against.
#pragma once

#include "lucid/nn/kernels/norm_geglu.h"

namespace lucid::nn::kernels {

/// Two neighbouring numbers, as a multiplication takes them.
[[gnu::always_inline]] inline int pair_at(const Bfloat16Bits* numbers) {
  int pair;
  __builtin_memcpy(&pair, numbers, sizeof(pair));
  return pair;
}

}  // namespace lucid::nn::kernels
