// SPDX-License-Identifier: Apache-2.0
// The list of kernels, by what the processor supports.
#include "lucid/nn/kernels/kernels.h"

#include <vector>

#include "lucid/base/machine.h"

namespace lucid::nn::kernels {
namespace {

std::vector<Kernels> list_available() {
  std::vector<Kernels> kernels;
#if defined(__x86_64__)
  const Isa isa = widest_isa();
  if (has_fast_bfloat16()) kernels.push_back({&kAttentionBfloat16, &kWinogradBfloat16});
  if (isa >= Isa::kAvx512) {
    kernels.push_back({&kAttentionAvx512, &kWinograd4x4Avx512, &kWinograd2x2Avx512, &kLinearAvx512});
  }
  if (isa >= Isa::kAvx2) {
    kernels.push_back(
        {&kAttentionAvx2, &kWinograd4x4Avx2, &kWinograd2x2Avx2, &kLinearAvx2, /*linear_faster_than_libraries=*/true});
  }
#endif
  kernels.push_back({&kAttentionPortable, &kWinograd4x4Portable, &kWinograd2x2Portable, &kLinearPortable});
  return kernels;
}

}  // namespace

std::span<const Kernels> available_kernels() {
  static const std::vector<Kernels> kernels = list_available();
  return kernels;
}

}  // namespace lucid::nn::kernels
