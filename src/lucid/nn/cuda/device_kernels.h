// SPDX-License-Identifier: Apache-2.0
// The kernels behind norm.h on a GPU, for those who have no CUDA headers. Tensors are dense, channels
// next to each other, at multiples of 16 bytes; channels are multiples of 8. Every call only queues its work in
// `stream`.
#pragma once

#include <cstdint>

#include "lucid/nn/kernels/norm_geglu.h"

namespace lucid::nn::cuda {

/// Whether this build has them; the calls below throw std::logic_error where not.
bool has_kernels();

enum class Number { kFloat, kBfloat16 };

/// y = norm(x + shift), then SiLU if asked.
struct GroupNormCall {
  Number number = Number::kFloat;  // of x, shift, y and their gradients
  kernels::NormShape shape = {};   // groups of up to kWidestGroup channels
  const void* x = nullptr;
  const float *weight = nullptr, *bias = nullptr;  // [channels]
  const void* shift = nullptr;                     // null: none
  int64_t shift_stride = 0;                        // 0: one for all samples
  float eps = 0;
  bool silu = false;
};
inline constexpr int64_t kWidestGroup = 512;
struct GroupNormScratch {
  float* sums = nullptr;        // [group_norm_sums(shape)]
  float* lines = nullptr;       // [samples, 2, channels]
  float* statistics = nullptr;  // [samples, groups, 2]: mean, inverse deviation; backward wants forward's
};
int64_t group_norm_sums(const kernels::NormShape& shape);
void group_norm_forward(const GroupNormCall& call, const GroupNormScratch& scratch, void* y, void* stream);
/// dx; totals [samples, 2, channels]: each sample's share of dbias, dweight.
void group_norm_backward(const GroupNormCall& call, const GroupNormScratch& scratch, const void* dy, float* totals,
                         void* dx, void* stream);

/// sum = x + part, y = LayerNorm(sum); without a part only y, of x.
struct LayerNormCall {
  Number x_number = Number::kFloat, number = Number::kFloat;  // of x and sum; of part and y: x's, or bfloat16
  int64_t rows = 0;
  int channels = 0;  // up to kWidestRow
  const void *x = nullptr, *part = nullptr;
  const float *weight = nullptr, *bias = nullptr;
  float eps = 0;
  void *sum = nullptr, *y = nullptr;
};
inline constexpr int64_t kWidestRow = 1536;
void layer_norm(const LayerNormCall& call, void* stream);

/// ab [rows, 2 width] -> y [rows, width] = a gelu(b).
void gated_gelu(Number number, int64_t rows, int width, const void* ab, void* y, void* stream);

/// y = a + b + bias + other_bias, all [rows, channels] but the biases [channels], which may be null.
struct SumCall {
  Number a_number = Number::kFloat, number = Number::kFloat;  // of a; of the others: a's, or bfloat16
  int64_t rows = 0;
  int channels = 0;
  const void *a = nullptr, *b = nullptr, *bias = nullptr, *other_bias = nullptr;
  void* y = nullptr;
};
void sum(const SumCall& call, void* stream);

}  // namespace lucid::nn::cuda
