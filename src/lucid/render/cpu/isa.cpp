// SPDX-License-Identifier: Apache-2.0
// Run-time selection of the blend kernels: the widest instruction set that the processor has and LUCID_ISA allows.
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
