// SPDX-License-Identifier: Apache-2.0
// The float32 kernels in what every processor has.
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

extern constinit const AttentionKernel kAttentionPortable = attention::kernel_named("portable");
extern constinit const LinearKernel kLinearPortable = linear::kKernel;
extern constinit const WinogradKernel kWinogradPortable = winograd::kernel_named<winograd::FourByFour>("portable");
extern constinit const WinogradKernel kWinogradOfFewPortable =
    winograd::kernel_named<winograd::TwoByTwo>("portable of few");

}  // namespace lucid::nn::kernels
