// SPDX-License-Identifier: Apache-2.0
// Chooses the blend kernels at run time: what the machine can do, lowered by LUCID_ISA.
#include "lucid/base/machine.h"
#include "lucid/render/cpu/blend.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {
namespace cpu {

const BlendKernels& blend_kernels() {
  [[maybe_unused]] const Isa isa = widest_isa();
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return kBlendAvx512;
  if (isa == Isa::kAvx2) return kBlendAvx2;
#endif
  return kBlendPortable;
}

}  // namespace cpu

const char* cpu_isa() { return cpu::blend_kernels().name; }

}  // namespace lucid::render
