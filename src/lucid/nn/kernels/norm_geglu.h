// SPDX-License-Identifier: Apache-2.0
// The loops behind fused.h: norms with their activation, and the gated GELU, in one pass over memory that is read as
// float32 or bfloat16 and computed in float32. Compiled for several instruction sets, chosen when the program starts.
#pragma once

#include <cstdint>

#include "lucid/base/inline.h"

namespace lucid::nn::kernels {

/// bfloat16 as it lies in memory.
using Bfloat16Bits = uint16_t;

/// [samples, rows, channels] with channels next to each other, a mean and a deviation for each sample and group of
/// channels. A group norm's sample is a picture and its rows are pixels; a layer norm's sample is one token.
struct NormShape {
  int64_t samples = 0, rows = 0, channels = 0, groups = 1;
  LUCID_INLINE int64_t width() const { return channels / groups; }
};

/// What one call computes: samples [first_sample, last_sample), groups [first_group, last_group).
struct NormPart {
  int64_t first_sample = 0, last_sample = 0, first_group = 0, last_group = 0;
};

struct NormParameters {
  const float* weight = nullptr;  // [channels]
  const float* bias = nullptr;    // [channels]
  float eps = 0;
  bool silu = false;  // y = silu(norm(x))
};

/// What the forward leaves for the backward, each [samples, groups].
struct NormStatistics {
  float* mean = nullptr;
  float* inverse_deviation = nullptr;
};

/// y = norm(x), then silu. scratch [2, channels], of this call alone. For float to float, bfloat16 to bfloat16 and
/// float to bfloat16.
template <class In, class Out>
void norm_forward(const NormShape& shape, const NormPart& part, const NormParameters& parameters, const In* x, Out* y,
                  const NormStatistics& statistics, float* scratch);

/// dx, and dweight, dbias [channels] added to. scratch [6, channels].
template <class T>
void norm_backward(const NormShape& shape, const NormPart& part, const NormParameters& parameters, const T* x,
                   const T* dy, const NormStatistics& statistics, T* dx, float* dweight, float* dbias, float* scratch);

/// y[i] = a[i] gelu(b[i]) for rows of ab = [a, b], [rows, 2 width] -> [rows, width]; gelu(b) = b Φ(b).
template <class T>
void geglu_forward(int64_t rows, int64_t width, const T* ab, T* y);

/// dab [rows, 2 width] from ab and dy [rows, width].
template <class T>
void geglu_backward(int64_t rows, int64_t width, const T* ab, const T* dy, T* dab);

}  // namespace lucid::nn::kernels
