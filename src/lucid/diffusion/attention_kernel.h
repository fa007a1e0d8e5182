// SPDX-License-Identifier: Apache-2.0
// softmax(q kᵀ / √d) v in bfloat16 without the matrix of weights: blocks of queries meet blocks of keys, and a running
// maximum and sum per query make the softmax exact (Milakov and Gimelshein 2018; Dao et al. 2022). Products in bfloat16
// with float32 sums, softmax in float32. No gradient. To be called only where has_fast_bfloat16() (base/machine.h).
#pragma once

#include <cstdint>

#include "lucid/diffusion/fused_kernels.h"

namespace lucid::diffusion {

/// q [batch, rows, heads * width] and the result; k and v [batch, keys, heads * width]; all without gaps.
struct AttentionShape {
  int64_t batch = 0, heads = 0, rows = 0, keys = 0;
  int64_t width = 0;                                                       // of one head; even
  [[gnu::always_inline]] int64_t stride() const { return heads * width; }  // from one token to the next
};

/// Keys and values of all heads, laid out for the multiplications.
struct PackedKeys {
  const Bfloat16Bits* keys = nullptr;
  const Bfloat16Bits* values = nullptr;
};
/// Numbers in each of the two for one head.
int64_t packed_keys_size(const AttentionShape& shape);
int64_t packed_values_size(const AttentionShape& shape);
/// Packs one head of one sample, numbered batch-major: head number = sample * heads + head.
void pack_head(const AttentionShape& shape, int64_t head, const Bfloat16Bits* k, const Bfloat16Bits* v,
               Bfloat16Bits* packed_keys, Bfloat16Bits* packed_values);

constexpr int64_t kAttentionRows = 64;  // queries of one call
/// Bytes that one call of attend_rows works in, aligned to 64.
int64_t attention_scratch_size(const AttentionShape& shape);
/// Queries [first_row, first_row + kAttentionRows) of a head, as far as there are any.
void attend_rows(const AttentionShape& shape, int64_t head, int64_t first_row, const PackedKeys& packed,
                 const Bfloat16Bits* q, Bfloat16Bits* y, char* scratch);

}  // namespace lucid::diffusion
