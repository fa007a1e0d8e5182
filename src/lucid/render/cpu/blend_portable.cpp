// SPDX-License-Identifier: Apache-2.0
// Blend kernels for any processor: blend_body.h compiled without flags.
#include "lucid/base/inline.h"
#include "lucid/render/cpu/blend.h"
#include "lucid/render/kernel_math.h"

namespace lucid::render::cpu {
namespace portable {
#include "lucid/math/simd/simd.h"
// which store_sums.h uses:
#include "lucid/render/cpu/store_sums.h"
// and blend_body.h both:
#include "lucid/render/cpu/blend_body.h"
}  // namespace portable

extern const BlendKernels kBlendPortable = {"portable", portable::forward_tile, portable::backward_tile};

}  // namespace lucid::render::cpu
