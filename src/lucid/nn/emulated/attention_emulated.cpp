// SPDX-License-Identifier: Apache-2.0
// attention_bfloat16.cpp by emulated/immintrin.h, as another kernel.
#define LUCID_SIMD_LANES 16
#define kAttentionBfloat16 kAttentionBfloat16Emulated
#include "lucid/nn/kernels/attention_bfloat16.cpp"
