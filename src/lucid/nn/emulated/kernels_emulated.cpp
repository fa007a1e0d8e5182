// SPDX-License-Identifier: Apache-2.0
// The AVX-512 kernels of kernels_avx512.cpp in the compiler's vector extension, with 16 lanes, under other names.
#define LUCID_SIMD_LANES 16
#define kAttentionAvx512 kAttentionAvx512Emulated
#define kLinearAvx512 kLinearAvx512Emulated
#define kWinograd4x4Avx512 kWinograd4x4Avx512Emulated
#define kWinograd2x2Avx512 kWinograd2x2Avx512Emulated
#include "lucid/nn/kernels/kernels_avx512.cpp"
