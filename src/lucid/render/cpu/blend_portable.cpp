// SPDX-License-Identifier: Apache-2.0
// Blend kernels for any processor: blend_body.h compiled with simd_portable.h.
#include "lucid/render/cpu/blend.h"
#include "lucid/render/kernel_math.h"

namespace lucid::render::cpu {
namespace portable {
#include "lucid/render/cpu/simd_portable.h"
#include "lucid/render/cpu/store_sums.h"
// blend_body.h uses the operations of the two files above:
#include "lucid/render/cpu/blend_body.h"
}  // namespace portable

extern const BlendKernels kBlendPortable = {"portable", portable::forward_tile, portable::backward_tile};

}  // namespace lucid::render::cpu
