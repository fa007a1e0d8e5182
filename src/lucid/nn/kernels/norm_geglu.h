// SPDX-License-Identifier: Apache-2.0
// CPU kernels of GroupNorm and LayerNorm (with SiLU) and of the gated GELU, forward and backward, on float32 or
// bfloat16 arrays, computed in float32. Each is compiled for several instruction sets; one is chosen when the program
// starts.
#pragma once

#include <cstdint>

#include "lucid/base/inline.h"

namespace lucid::nn::kernels {

/// The bits of a bfloat16 number.
using Bfloat16Bits = uint16_t;

/// x and y are [samples, rows, channels], contiguous. Mean and variance are taken over the rows and the channels of a
/// group. GroupNorm of a channels-last map: a sample is an image, a row is a pixel. LayerNorm: a sample is a token,
/// with one row and one group.
struct NormShape {
  int64_t samples = 0, rows = 0, channels = 0, groups = 1;
  LUCID_INLINE int64_t width() const { return channels / groups; }
};

/// The part that one call computes: samples [first_sample, last_sample), groups [first_group, last_group).
struct NormPart {
  int64_t first_sample = 0, last_sample = 0, first_group = 0, last_group = 0;
};

struct NormParameters {
  const float* weight = nullptr;  // [channels]
  const float* bias = nullptr;    // [channels]
  float eps = 0;
  bool silu = false;  // y = silu(norm(x))
};

/// Written by norm_forward, read by norm_backward. Each [samples, groups].
struct NormStatistics {
  float* mean = nullptr;
  float* inverse_deviation = nullptr;  // 1 / sqrt(variance + eps)
};

/// y = norm(x), then SiLU if asked. scratch [2, channels], not shared with other threads. (In, Out): (float, float),
/// (Bfloat16Bits, Bfloat16Bits) or (float, Bfloat16Bits).
template <class In, class Out>
void norm_forward(const NormShape& shape, const NormPart& part, const NormParameters& parameters, const In* x, Out* y,
                  const NormStatistics& statistics, float* scratch);

/// Writes d_x, and adds to d_weight and d_bias [channels]. scratch [6, channels]. T: float or Bfloat16Bits.
template <class T>
void norm_backward(const NormShape& shape, const NormPart& part, const NormParameters& parameters, const T* x,
                   const T* d_y, const NormStatistics& statistics, T* d_x, float* d_weight, float* d_bias,
                   float* scratch);

/// y = a gelu(b), with ab [rows, 2 width] = [a, b] -> y [rows, width]; gelu(b) = b Φ(b), exact.
template <class T>
void geglu_forward(int64_t rows, int64_t width, const T* ab, T* y);

/// Its gradient: d_y [rows, width] -> d_ab [rows, 2 width].
template <class T>
void geglu_backward(int64_t rows, int64_t width, const T* ab, const T* d_y, T* d_ab);

}  // namespace lucid::nn::kernels
