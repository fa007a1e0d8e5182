// SPDX-License-Identifier: Apache-2.0
// The float32 kernels of AVX-512 in what every processor has.
#include <utility>

#include "lucid/diffusion/cpu/attention_kernel.h"
#include "lucid/diffusion/cpu/linear_kernel.h"
#include "lucid/diffusion/cpu/winograd_kernel.h"

namespace lucid::diffusion {
namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kMostRows = 12;
#include "lucid/diffusion/cpu/float_kernels_body.h"

}  // namespace

extern constinit const AttentionKernel kAttentionSixteenLanes = attention::kernel_named("16 lanes");
extern constinit const LinearKernel kLinearSixteenLanes = linear::kKernel;
extern constinit const WinogradKernel kWinogradSixteenLanes = winograd::kernel_named<winograd::FourByFour>("16 lanes");
extern constinit const WinogradKernel kWinogradOfFewSixteenLanes =
    winograd::kernel_named<winograd::TwoByTwo>("16 lanes of few");

}  // namespace lucid::diffusion
