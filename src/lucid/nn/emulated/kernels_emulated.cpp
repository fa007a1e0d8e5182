// SPDX-License-Identifier: Apache-2.0
// kernels_avx512.cpp in what every processor has, as other kernels.
#define LUCID_SIMD_LANES 16
#define kAttentionAvx512 kAttentionAvx512Emulated
#define kLinearAvx512 kLinearAvx512Emulated
#define kWinogradAvx512 kWinogradAvx512Emulated
#define kWinogradOfFewAvx512 kWinogradOfFewAvx512Emulated
#include "lucid/nn/kernels/kernels_avx512.cpp"
