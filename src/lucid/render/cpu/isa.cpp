// SPDX-License-Identifier: Apache-2.0
// Chooses the blend kernels at run time: what the machine can do, lowered by LUCID_ISA.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/render/cpu/blend.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {
namespace cpu {
namespace {

int widest_of_the_machine() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return 2;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}

int widest_allowed() {
  const char* wanted = std::getenv("LUCID_ISA");
  if (wanted == nullptr || *wanted == '\0') return 2;
  constexpr std::string_view kNames[] = {"portable", "avx2", "avx512"};
  for (int i = 0; i < 3; ++i) {
    if (kNames[i] == wanted) return i;
  }
  throw UserError({.what_happened = fmt::format("unknown instruction set '{}'", wanted),
                   .key = "LUCID_ISA",
                   .hint = "portable, avx2 or avx512"});
}

}  // namespace

const BlendKernels& blend_kernels() {
  [[maybe_unused]] const int level = std::min(widest_of_the_machine(), widest_allowed());
#if defined(__x86_64__)
  if (level == 2) return kBlendAvx512;
  if (level == 1) return kBlendAvx2;
#endif
  return kBlendPortable;
}

}  // namespace cpu

const char* cpu_isa() { return cpu::blend_kernels().name; }

}  // namespace lucid::render
