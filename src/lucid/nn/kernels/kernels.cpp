// SPDX-License-Identifier: Apache-2.0
// See kernels.h.
#include "lucid/nn/kernels/kernels.h"

#include <vector>

#include "lucid/base/machine.h"

namespace lucid::nn::kernels {
namespace {

std::vector<Kernels> that_run() {
  std::vector<Kernels> kernels;
#if defined(__x86_64__)
  const Isa isa = widest_isa();
  if (has_fast_bfloat16()) kernels.push_back({&kAttentionBfloat16, &kWinogradBfloat16});
  if (isa >= Isa::kAvx512) {
    kernels.push_back({&kAttentionAvx512, &kWinogradAvx512, &kWinogradOfFewAvx512, &kLinearAvx512});
  }
  if (isa >= Isa::kAvx2) {
    kernels.push_back(
        {&kAttentionAvx2, &kWinogradAvx2, &kWinogradOfFewAvx2, &kLinearAvx2, /*linear_outdoes_libraries=*/true});
  }
#endif
  kernels.push_back({&kAttentionPortable, &kWinogradPortable, &kWinogradOfFewPortable, &kLinearPortable});
  return kernels;
}

}  // namespace

std::span<const Kernels> kernels_here() {
  static const std::vector<Kernels> kernels = that_run();
  return kernels;
}

}  // namespace lucid::nn::kernels
