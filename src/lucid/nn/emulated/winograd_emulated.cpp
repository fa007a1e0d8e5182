// SPDX-License-Identifier: Apache-2.0
// kWinogradBfloat16Emulated: winograd_bfloat16.cpp compiled with the intrinsics of emulated/immintrin.h.
#define kWinogradBfloat16 kWinogradBfloat16Emulated
#include "lucid/nn/kernels/winograd_bfloat16.cpp"
