// SPDX-License-Identifier: Apache-2.0
// The kernels that this processor can test: those that it runs, and in plain C++ those of AVX-512 if it does not.
#pragma once

#include <vector>

#include "lucid/base/machine.h"
#include "lucid/diffusion/cpu/kernels.h"

namespace lucid::diffusion {

extern const AttentionKernel kAttentionSixteenLanes;
extern const WinogradKernel kWinogradSixteenLanes, kWinogradOfFewSixteenLanes;
extern const LinearKernel kLinearSixteenLanes;
#if defined(__x86_64__)
extern const AttentionKernel kAttentionEmulated;
extern const WinogradKernel kWinogradEmulated;
#endif

namespace test {

inline std::vector<Kernels> every_kernel() {
  const auto here = kernels_here();
  std::vector<Kernels> kernels(here.begin(), here.end());
  if (widest_isa() < Isa::kAvx512) {
    kernels.push_back(
        {&kAttentionSixteenLanes, &kWinogradSixteenLanes, &kWinogradOfFewSixteenLanes, &kLinearSixteenLanes});
  }
#if defined(__x86_64__)
  if (!has_fast_bfloat16()) kernels.push_back({&kAttentionEmulated, &kWinogradEmulated});
#endif
  return kernels;
}

}  // namespace test
}  // namespace lucid::diffusion
