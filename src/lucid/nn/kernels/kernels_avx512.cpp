// SPDX-License-Identifier: Apache-2.0
// The float32 kernels (float_kernels_body.h) compiled for AVX-512 (F, DQ, BW, VL).
#if defined(__x86_64__)
#include <immintrin.h>

#include <utility>

#include "lucid/base/inline.h"
#include "lucid/nn/kernels/attention_kernel.h"
#include "lucid/nn/kernels/linear_kernel.h"
#include "lucid/nn/kernels/winograd_kernel.h"

namespace lucid::nn::kernels {
namespace {

#include "lucid/math/simd/simd.h"
// The kernels use simd.h:
#include "lucid/nn/kernels/float_kernels_body.h"

}  // namespace

extern constinit const AttentionKernel kAttentionAvx512 = attention::make_kernel("avx512");
extern constinit const LinearKernel kLinearAvx512 = linear::kKernel;
extern constinit const WinogradKernel kWinograd4x4Avx512 =
    winograd::make_kernel<winograd::TransformsF4x4>("avx512 F(4x4)");
extern constinit const WinogradKernel kWinograd2x2Avx512 =
    winograd::make_kernel<winograd::TransformsF2x2>("avx512 F(2x2)");

}  // namespace lucid::nn::kernels
#endif
