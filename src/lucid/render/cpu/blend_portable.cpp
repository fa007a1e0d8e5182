// SPDX-License-Identifier: Apache-2.0
// The blend kernels for any machine (see blend_body.h); reached only after blend_kernels() has asked the machine.
#include "lucid/render/cpu/blend.h"
#include "lucid/render/kernel_math.h"

namespace lucid::render::cpu {
namespace portable {
#include "lucid/render/cpu/simd_portable.h"
#include "lucid/render/cpu/store_sums.h"
// and, in terms of it:
#include "lucid/render/cpu/blend_body.h"
}  // namespace portable

extern const BlendKernels kBlendPortable = {"portable", portable::forward_tile, portable::backward_tile};

}  // namespace lucid::render::cpu
