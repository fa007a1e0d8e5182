// SPDX-License-Identifier: Apache-2.0
// The float32 kernels in AVX2 and FMA.
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

extern constinit const AttentionKernel kAttentionAvx2 = attention::kernel_named("avx2");
extern constinit const LinearKernel kLinearAvx2 = linear::kKernel;
extern constinit const WinogradKernel kWinogradAvx2 = winograd::kernel_named<winograd::FourByFour>("avx2");
extern constinit const WinogradKernel kWinogradOfFewAvx2 = winograd::kernel_named<winograd::TwoByTwo>("avx2 of few");

}  // namespace lucid::nn::kernels
#endif
