// SPDX-License-Identifier: Apache-2.0
// One pass over memory each: LayerNorm of a sum, the gated GELU, a sum of two with their biases.
#pragma once

#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/nn/cuda/numbers.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

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

/// The share of a standard normal below x: 3e-6 of itself off, 2e-5 below x = -8. erfc(z) is t 2^(P(t) - z^2 log2(e))
/// with t = 1 / (1 + z/2); P was fitted for t from 1/8 to 1 (Chebyshev). By CUDA's erfcf it is twice the instructions.
__device__ inline float normal_below(float x) {
  constexpr float kP[] = {0.24671059F,  -1.182565F,  2.128334F,   -1.5983616F, 0.3590377F,
                          -0.24081857F, 0.12883547F, 0.54211617F, 1.4424464F,  -1.8257351F};
  const float z = 0.70710678F * fabsf(x), t = 1 / fmaf(0.5F, z, 1.F);
  float p = kP[0];
  for (int k = 1; k < 10; ++k) p = fmaf(p, t, kP[k]);
  const float beyond = 0.5F * t * exp2_of(fmaf(-1.44269504F * z, z, p));
  return x < 0 ? beyond : 1 - beyond;
}

/// ab [rows, 2 width] -> y [rows, width] = a gelu(b), exact.
template <class T>
static __global__ void __launch_bounds__(kBlock)
    gated_gelu_rows(int rows, int width, const T* __restrict__ ab, T* __restrict__ y) {
  const int vectors = width / kEight, i = int(blockIdx.x * kBlock + threadIdx.x);
  if (i >= rows * vectors) return;
  const int64_t row = i / vectors;
  const int column = i % vectors * kEight;
  float a[kEight], b[kEight];
  load(ab + row * 2 * width + column, a);
  load(ab + row * 2 * width + width + column, b);
  for (int k = 0; k < kEight; ++k) a[k] *= b[k] * normal_below(b[k]);
  store(a, y + row * width + column);
}

/// y [rows, channels] = a + b, plus biases [channels] where they are not null.
template <class A, class T>
static __global__ void __launch_bounds__(kBlock)
    sum_with_biases(int rows, int channels, const A* __restrict__ a, const T* __restrict__ b, const T* bias,
                    const T* other_bias, T* __restrict__ y) {
  const int vectors = channels / kEight, i = int(blockIdx.x * kBlock + threadIdx.x);
  if (i >= rows * vectors) return;
  const int column = i % vectors * kEight;
  const int64_t at = int64_t(i / vectors) * channels + column;
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

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
