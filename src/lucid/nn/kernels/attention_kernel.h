// SPDX-License-Identifier: Apache-2.0
// AttentionKernel: fused attention, softmax(q kᵀ / √d) v, without the matrix of scores in memory. Blocks of queries are
// multiplied with blocks of keys, and a running maximum and sum for each query give the exact softmax (Milakov and
// Gimelshein 2018; Dao et al. 2022). Operands are float32 or bfloat16; sums and softmax are float32. No gradient.
#pragma once

#include <cstdint>

namespace lucid::nn::kernels {

/// q and the result y are [batch, rows, heads * width]; k and v are [batch, keys, heads * width]. All contiguous.
struct AttentionShape {
  int64_t batch = 0, heads = 0, rows = 0, keys = 0;
  int64_t width = 0;                                                       // of one head
  [[gnu::always_inline]] int64_t stride() const { return heads * width; }  // from one token to the next
};

/// Keys and values of one head of one sample in the layout of the kernel's matrix products.
struct PackedHead {
  const void* keys = nullptr;
  const void* values = nullptr;
};

/// The functions and sizes of one instruction set and dtype. A head's number is sample * heads + its index.
struct AttentionKernel {
  const char* name = "";
  bool in_bfloat16 = false;    // dtype of q, k, v and y: bfloat16, else float32
  int64_t width_multiple = 1;  // divides the width of the heads that the kernel takes
  int64_t rows_per_call = 0;   // queries that one call of attend_rows computes

  /// Elements of PackedHead::keys and of PackedHead::values.
  int64_t (*packed_keys_size)(const AttentionShape& shape) = nullptr;
  int64_t (*packed_values_size)(const AttentionShape& shape) = nullptr;
  /// Packs one head.
  void (*pack_head)(const AttentionShape& shape, int64_t head, const void* k, const void* v, void* packed_keys,
                    void* packed_values) = nullptr;
  /// Bytes of scratch memory for a call of attend_rows, aligned to 64.
  int64_t (*scratch_size)(const AttentionShape& shape) = nullptr;
  /// Writes y for the queries [first_row, first_row + rows_per_call) of a head, or up to the last one.
  void (*attend_rows)(const AttentionShape& shape, int64_t head, int64_t first_row, const PackedHead& packed,
                      const void* q, void* y, char* scratch) = nullptr;
};

extern const AttentionKernel kAttentionPortable;
#if defined(__x86_64__)
extern const AttentionKernel kAttentionAvx2, kAttentionAvx512, kAttentionBfloat16;
#endif

}  // namespace lucid::nn::kernels
