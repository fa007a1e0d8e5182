// SPDX-License-Identifier: Apache-2.0
// every_kernel(): all kernels that a test can run on this processor. Kernels for AVX-512 and AVX512-BF16 that it lacks
// are emulated in plain C++.
#pragma once

#include <vector>

#include "lucid/base/machine.h"
#include "lucid/nn/kernels/kernels.h"

namespace lucid::nn::kernels {

#if defined(__x86_64__)
extern const AttentionKernel kAttentionAvx512Emulated, kAttentionBfloat16Emulated;
extern const WinogradKernel kWinograd4x4Avx512Emulated, kWinograd2x2Avx512Emulated, kWinogradBfloat16Emulated;
extern const LinearKernel kLinearAvx512Emulated;
#endif

namespace test {

inline std::vector<Kernels> every_kernel() {
  const auto available = available_kernels();
  std::vector<Kernels> kernels(available.begin(), available.end());
#if defined(__x86_64__)
  if (widest_isa() < Isa::kAvx512) {
    kernels.push_back(
        {&kAttentionAvx512Emulated, &kWinograd4x4Avx512Emulated, &kWinograd2x2Avx512Emulated, &kLinearAvx512Emulated});
  }
  if (!has_fast_bfloat16()) kernels.push_back({&kAttentionBfloat16Emulated, &kWinogradBfloat16Emulated});
#endif
  return kernels;
}

}  // namespace test
}  // namespace lucid::nn::kernels
