// SPDX-License-Identifier: Apache-2.0
// The float32 kernels (float_kernels_body.h) compiled for any processor, with four-lane vectors.
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

extern constinit const AttentionKernel kAttentionPortable = attention::make_kernel("portable");
extern constinit const LinearKernel kLinearPortable = linear::kKernel;
extern constinit const WinogradKernel kWinograd4x4Portable =
    winograd::make_kernel<winograd::TransformsF4x4>("portable F(4x4)");
extern constinit const WinogradKernel kWinograd2x2Portable =
    winograd::make_kernel<winograd::TransformsF2x2>("portable F(2x2)");

}  // namespace lucid::nn::kernels
