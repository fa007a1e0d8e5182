// SPDX-License-Identifier: Apache-2.0
// Blend kernels for AVX2 with FMA: blend_body.h compiled with its flags. blend_kernels() selects them only on a
// processor that has these instructions.
#if defined(__x86_64__)
#include <immintrin.h>

#include "lucid/base/inline.h"
#include "lucid/render/cpu/blend.h"
#include "lucid/render/kernel_math.h"

namespace lucid::render::cpu {
namespace avx2 {
#include "lucid/math/simd/simd.h"
// which store_sums.h uses:
#include "lucid/render/cpu/store_sums.h"
// and blend_body.h both:
#include "lucid/render/cpu/blend_body.h"
}  // namespace avx2

extern const BlendKernels kBlendAvx2 = {"avx2", avx2::forward_tile, avx2::backward_tile};

}  // namespace lucid::render::cpu
#endif  // __x86_64__
