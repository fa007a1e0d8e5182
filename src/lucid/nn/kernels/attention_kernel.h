// SPDX-License-Identifier: Apache-2.0
// softmax(q kᵀ / √d) v without the matrix of weights: blocks of queries meet blocks of keys, and a running maximum and
// sum per query make the softmax exact (Milakov and Gimelshein 2018; Dao et al. 2022). In float32, or with products in
// bfloat16, float32 sums and a softmax in float32. No gradient.
#pragma once

#include <cstdint>

namespace lucid::nn::kernels {

/// q [batch, rows, heads * width] and the result; k and v [batch, keys, heads * width]; all without gaps.
struct AttentionShape {
  int64_t batch = 0, heads = 0, rows = 0, keys = 0;
  int64_t width = 0;                                                       // of one head
  [[gnu::always_inline]] int64_t stride() const { return heads * width; }  // from one token to the next
};

/// Keys and values of one head of one sample, laid out for the multiplications.
struct PackedKeys {
  const void* keys = nullptr;
  const void* values = nullptr;
};

/// How one instruction set does it. Numbers are float32, or bfloat16 where `rounds`. Heads of all samples are numbered
/// batch-major: head number = sample * heads + head.
struct AttentionKernel {
  const char* name = "";
  bool rounds = false;
  int64_t width_step = 1;  // a head's width is a multiple of it
  int64_t rows = 0;        // queries of one call of attend_rows

  /// Numbers in each of the two for one head.
  int64_t (*packed_keys_size)(const AttentionShape& shape) = nullptr;
  int64_t (*packed_values_size)(const AttentionShape& shape) = nullptr;
  void (*pack_head)(const AttentionShape& shape, int64_t head, const void* k, const void* v, void* packed_keys,
                    void* packed_values) = nullptr;
  /// Bytes that one call of attend_rows works in, aligned to 64.
  int64_t (*scratch_size)(const AttentionShape& shape) = nullptr;
  /// Queries [first_row, first_row + rows) of a head, as far as there are any. `packed`: of that head.
  void (*attend_rows)(const AttentionShape& shape, int64_t head, int64_t first_row, const PackedKeys& packed,
                      const void* q, void* y, char* scratch) = nullptr;
};

extern const AttentionKernel kAttentionPortable;
#if defined(__x86_64__)
extern const AttentionKernel kAttentionAvx2, kAttentionAvx512, kAttentionBfloat16;
#endif

}  // namespace lucid::nn::kernels
