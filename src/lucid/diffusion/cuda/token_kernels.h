// SPDX-License-Identifier: Apache-2.0
// One pass over memory each: LayerNorm of a sum, the gated GELU, a sum of two with their biases.
#pragma once

#include "lucid/diffusion/cuda/fused_device.h"
#include "lucid/diffusion/cuda/numbers.h"

namespace lucid::diffusion::LUCID_CUDA_PLATFORM {

__device__ inline float sum_of_warp(float x) {
  for (int bits = 16; bits > 0; bits /= 2) x += __shfl_xor_sync(kAllLanes, x, bits);
  return x;
}

inline constexpr int kRowsOfBlock = int(kBlock / kWarp);                       // a warp a row
inline constexpr int kMostVectors = int(cuda::kWidestRow / (kWarp * kEight));  // of eight numbers, a lane

/// x [rows, channels] plus part, if there is one, which then is also written to `sum`; y = its LayerNorm.
template <class X, class T, int kVectors>
static __global__ void __launch_bounds__(kBlock)
    layer_norm_of_sum(int64_t rows, int channels, const X* x, const T* part, const float* weight, const float* bias,
                      float eps, X* sum, T* y) {
  const int64_t row = blockIdx.x * int64_t(kRowsOfBlock) + threadIdx.x / kWarp;
  if (row >= rows) return;  // a whole warp
  const int first = int(lane_of_thread()) * kEight;
  constexpr int kStep = int(kWarp) * kEight;
  float now[kVectors][kEight];
  float total = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int c = first + v * kStep;
    if (c >= channels) continue;
    load(x + row * channels + c, now[v]);
    if (part != nullptr) {
      float more[kEight];
      load(part + row * channels + c, more);
      for (int k = 0; k < kEight; ++k) now[v][k] += more[k];
      store(now[v], sum + row * channels + c);
    }
    for (int k = 0; k < kEight; ++k) total += now[v][k];
  }
  const float mean = sum_of_warp(total) / float(channels);
  float squares = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    if (first + v * kStep >= channels) continue;
    for (int k = 0; k < kEight; ++k) squares = fmaf(now[v][k] - mean, now[v][k] - mean, squares);
  }
  const float inverse = 1 / sqrtf(sum_of_warp(squares) / float(channels) + eps);
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int c = first + v * kStep;
    if (c >= channels) continue;
    float w[kEight], b[kEight];
    load(weight + c, w);
    load(bias + c, b);
    for (int k = 0; k < kEight; ++k) now[v][k] = fmaf((now[v][k] - mean) * inverse, w[k], b[k]);
    store(now[v], y + row * channels + c);
  }
}

/// ab [rows, 2 width] -> y [rows, width] = a gelu(b), exact.
template <class T>
static __global__ void __launch_bounds__(kBlock) gated_gelu_rows(int64_t rows, int width, const T* ab, T* y) {
  const int vectors = width / kEight;
  const int64_t i = blockIdx.x * int64_t(kBlock) + threadIdx.x;
  if (i >= rows * vectors) return;
  const int64_t row = i / vectors, column = i % vectors * kEight;
  float a[kEight], b[kEight];
  load(ab + row * 2 * width + column, a);
  load(ab + row * 2 * width + width + column, b);
  for (int k = 0; k < kEight; ++k) a[k] *= 0.5F * b[k] * erfcf(-0.70710678F * b[k]);
  store(a, y + row * width + column);
}

/// y [rows, channels] = a + b, plus biases [channels] where they are not null.
template <class A, class T>
static __global__ void __launch_bounds__(kBlock)
    sum_with_biases(int64_t rows, int channels, const A* a, const T* b, const T* bias, const T* other_bias, T* y) {
  const int vectors = channels / kEight;
  const int64_t i = blockIdx.x * int64_t(kBlock) + threadIdx.x;
  if (i >= rows * vectors) return;
  const int64_t column = i % vectors * kEight, at = i / vectors * channels + column;
  float sum[kEight], more[kEight];
  load(a + at, sum);
  load(b + at, more);
  for (int k = 0; k < kEight; ++k) sum[k] += more[k];
  const T* const biases[2] = {bias, other_bias};
  for (const T* of : biases) {
    if (of == nullptr) continue;
    load(of + column, more);
    for (int k = 0; k < kEight; ++k) sum[k] += more[k];
  }
  store(sum, y + at);
}

}  // namespace lucid::diffusion::LUCID_CUDA_PLATFORM
