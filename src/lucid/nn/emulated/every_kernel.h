// SPDX-License-Identifier: Apache-2.0
// The kernels that this processor can test: those that it runs, and in plain C++ those of AVX-512 if it does not.
#pragma once

#include <vector>

#include "lucid/base/machine.h"
#include "lucid/nn/kernels/kernels.h"

namespace lucid::nn::kernels {

#if defined(__x86_64__)
extern const AttentionKernel kAttentionAvx512Emulated, kAttentionBfloat16Emulated;
extern const WinogradKernel kWinogradAvx512Emulated, kWinogradOfFewAvx512Emulated, kWinogradBfloat16Emulated;
extern const LinearKernel kLinearAvx512Emulated;
#endif

namespace test {

inline std::vector<Kernels> every_kernel() {
  const auto here = kernels_here();
  std::vector<Kernels> kernels(here.begin(), here.end());
#if defined(__x86_64__)
  if (widest_isa() < Isa::kAvx512) {
    kernels.push_back(
        {&kAttentionAvx512Emulated, &kWinogradAvx512Emulated, &kWinogradOfFewAvx512Emulated, &kLinearAvx512Emulated});
  }
  if (!has_fast_bfloat16()) kernels.push_back({&kAttentionBfloat16Emulated, &kWinogradBfloat16Emulated});
#endif
  return kernels;
}

}  // namespace test
}  // namespace lucid::nn::kernels
