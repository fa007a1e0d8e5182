// SPDX-License-Identifier: Apache-2.0
// The float32 kernels in AVX-512.
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
// which the kernels use:
#include "lucid/nn/kernels/float_kernels_body.h"

}  // namespace

extern constinit const AttentionKernel kAttentionAvx512 = attention::kernel_named("avx512");
extern constinit const LinearKernel kLinearAvx512 = linear::kKernel;
extern constinit const WinogradKernel kWinogradAvx512 = winograd::kernel_named<winograd::FourByFour>("avx512");
extern constinit const WinogradKernel kWinogradOfFewAvx512 =
    winograd::kernel_named<winograd::TwoByTwo>("avx512 of few");

}  // namespace lucid::nn::kernels
#endif
