// SPDX-License-Identifier: Apache-2.0
// winograd_bfloat16.cpp by emulated/immintrin.h, as another kernel.
#define kWinogradBfloat16 kWinogradBfloat16Emulated
#include "lucid/nn/kernels/winograd_bfloat16.cpp"
