// SPDX-License-Identifier: Apache-2.0
// kAttentionBfloat16Emulated: attention_bfloat16.cpp compiled with the intrinsics of emulated/immintrin.h.
#define LUCID_SIMD_LANES 16
#define kAttentionBfloat16 kAttentionBfloat16Emulated
#include "lucid/nn/kernels/attention_bfloat16.cpp"
