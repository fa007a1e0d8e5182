// SPDX-License-Identifier: Apache-2.0
// The float32 kernels in what every processor has.
#include <utility>

#include "lucid/nn/kernels/attention_kernel.h"
#include "lucid/nn/kernels/linear_kernel.h"
#include "lucid/nn/kernels/winograd_kernel.h"

namespace lucid::nn::kernels {
namespace {

constexpr int64_t kLanes = 4;     // float32 numbers in a register
constexpr int64_t kMostRows = 6;  // 12 sums, two registers of columns and one of a row
#include "lucid/nn/kernels/float_kernels_body.h"

}  // namespace

extern constinit const AttentionKernel kAttentionPortable = attention::kernel_named("portable");
extern constinit const LinearKernel kLinearPortable = linear::kKernel;
extern constinit const WinogradKernel kWinogradPortable = winograd::kernel_named<winograd::FourByFour>("portable");
extern constinit const WinogradKernel kWinogradOfFewPortable =
    winograd::kernel_named<winograd::TwoByTwo>("portable of few");

}  // namespace lucid::nn::kernels
