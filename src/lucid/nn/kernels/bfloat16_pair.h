// SPDX-License-Identifier: Apache-2.0
// load_pair(): two neighbouring bfloat16 elements as one operand of an AVX512-BF16 dot product.
#pragma once

#include "lucid/nn/kernels/norm_geglu.h"

namespace lucid::nn::kernels {

/// Always inlined: the files that call it are compiled for AVX512-BF16 and must not emit a shared function, which the
/// linker could take for other files as well.
[[gnu::always_inline]] inline int load_pair(const Bfloat16Bits* elements) {
  int pair;
  __builtin_memcpy(&pair, elements, sizeof(pair));
  return pair;
}

}  // namespace lucid::nn::kernels
