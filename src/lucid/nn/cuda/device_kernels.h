// SPDX-License-Identifier: Apache-2.0
// GPU kernels of GroupNorm, LayerNorm, the gated GELU and sums with biases, on plain pointers and without CUDA headers
// (backends/gpu_ops.h wraps them for tensors). Arrays are contiguous, channels last, aligned to 16 bytes; numbers of
// channels are multiples of 8. Each call queues its work in `stream`, a cudaStream_t, and returns.
#pragma once

#include <cstdint>

#include "lucid/nn/kernels/norm_geglu.h"

namespace lucid::nn::cuda {

/// Whether this build has CUDA kernels. If not, the calls below throw std::logic_error.
bool has_kernels();

enum class Dtype { kFloat, kBfloat16 };

/// y = GroupNorm(x + shift), then SiLU if asked. x and y are [samples, rows, channels].
struct GroupNormCall {
  Dtype dtype = Dtype::kFloat;    // of x, shift, y and their gradients
  kernels::NormShape shape = {};  // groups of up to kMaxGroupChannels channels
  const void* x = nullptr;
  const float *weight = nullptr, *bias = nullptr;  // [channels]
  const void* shift = nullptr;                     // [channels] or [samples, channels]; null: none
  int64_t shift_stride = 0;                        // elements from sample to sample; 0: one shift for all
  float eps = 0;
  bool silu = false;
};
inline constexpr int64_t kMaxGroupChannels = 512;
struct GroupNormScratch {
  float* sums = nullptr;          // [group_norm_sums_size(shape)]
  float* coefficients = nullptr;  // [samples, 2, channels]
  float* statistics = nullptr;    // [samples, groups, 2]: mean, inverse deviation; written forward, read backward
};
int64_t group_norm_sums_size(const kernels::NormShape& shape);
void group_norm_forward(const GroupNormCall& call, const GroupNormScratch& scratch, void* y, void* stream);
/// Writes d_x, and totals [samples, 2, channels]: each sample's part of d_bias and d_weight.
void group_norm_backward(const GroupNormCall& call, const GroupNormScratch& scratch, const void* d_y, float* totals,
                         void* d_x, void* stream);

/// sum = x + branch, y = LayerNorm(sum); or y = LayerNorm(x) if branch is null. x, branch, sum, y are [rows, channels].
/// sum may be x.
struct LayerNormCall {
  Dtype x_dtype = Dtype::kFloat, dtype = Dtype::kFloat;  // of x and sum; of branch and y (the same, or bfloat16)
  int64_t rows = 0;
  int channels = 0;  // up to kMaxRowChannels
  const void *x = nullptr, *branch = nullptr;
  const float *weight = nullptr, *bias = nullptr;
  float eps = 0;
  void *sum = nullptr, *y = nullptr;
};
inline constexpr int64_t kMaxRowChannels = 1536;
void layer_norm(const LayerNormCall& call, void* stream);

/// ab [rows, 2 width] = [a, b] -> y [rows, width] = a gelu(b), exact.
void gated_gelu(Dtype dtype, int64_t rows, int width, const void* ab, void* y, void* stream);

/// y = a + b + bias + other_bias. a, b, y are [rows, channels]; the biases are [channels] or null.
struct SumCall {
  Dtype a_dtype = Dtype::kFloat, dtype = Dtype::kFloat;  // of a; of the others (the same, or bfloat16)
  int64_t rows = 0;
  int channels = 0;
  const void *a = nullptr, *b = nullptr, *bias = nullptr, *other_bias = nullptr;
  void* y = nullptr;
};
void sum(const SumCall& call, void* stream);

}  // namespace lucid::nn::cuda
