// SPDX-License-Identifier: Apache-2.0
// GPU kernels on rows of channels, each one pass over memory: LayerNorm of a sum, gated GELU, sum with biases.
#pragma once

#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/nn/cuda/vec8.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

inline constexpr int kRowsPerBlock = int(kBlock / kWarp);                            // one warp for each row
inline constexpr int kMaxVectors = int(cuda::kMaxRowChannels / (kWarp * kVecSize));  // Vec8 per lane, at most

/// sum = x + branch, y = LayerNorm(sum); or y = LayerNorm(x) if branch is null (LayerNormCall). kVectors: Vec8 per
/// lane.
template <class X, class T, int kVectors>
static __global__ void __launch_bounds__(kBlock)
    layer_norm_of_sum(int64_t rows, int channels, const X* x, const T* branch, const float* weight, const float* bias,
                      float eps, X* sum, T* y) {
  const int64_t row = blockIdx.x * int64_t(kRowsPerBlock) + threadIdx.x / kWarp;
  if (row >= rows) return;  // a whole warp
  const int first = int(lane_of_thread()) * kVecSize;
  constexpr int kStep = int(kWarp) * kVecSize;
  float now[kVectors][kVecSize];
  float total = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int c = first + v * kStep;
    if (c >= channels) continue;
    load(x + row * channels + c, now[v]);
    if (branch != nullptr) {
      float more[kVecSize];
      load(branch + row * channels + c, more);
      for (int k = 0; k < kVecSize; ++k) now[v][k] += more[k];
      store(now[v], sum + row * channels + c);
    }
    for (int k = 0; k < kVecSize; ++k) total += now[v][k];
  }
  const float mean = sum_of_warp(total) / float(channels);
  float squares = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    if (first + v * kStep >= channels) continue;
    for (int k = 0; k < kVecSize; ++k) squares = fmaf(now[v][k] - mean, now[v][k] - mean, squares);
  }
  const float inverse = 1 / sqrtf(sum_of_warp(squares) / float(channels) + eps);
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int c = first + v * kStep;
    if (c >= channels) continue;
    float w[kVecSize], b[kVecSize];
    load(weight + c, w);
    load(bias + c, b);
    for (int k = 0; k < kVecSize; ++k) now[v][k] = fmaf((now[v][k] - mean) * inverse, w[k], b[k]);
    store(now[v], y + row * channels + c);
  }
}

/// Φ(x) of the standard normal distribution, with a relative error of 3e-6, or 2e-5 below x = -8. It is erfc(-x / √2) /
/// 2 with erfc(z) = t 2^(P(t) - z² log2(e)), t = 1 / (1 + z / 2) and a polynomial P fitted for t in [1/8, 1]
/// (Chebyshev). CUDA's erfcf takes twice the instructions.
__device__ inline float normal_cdf(float x) {
  constexpr float kP[] = {0.24671059F,  -1.182565F,  2.128334F,   -1.5983616F, 0.3590377F,
                          -0.24081857F, 0.12883547F, 0.54211617F, 1.4424464F,  -1.8257351F};
  const float z = 0.70710678F * fabsf(x), t = 1 / fmaf(0.5F, z, 1.F);
  float p = kP[0];
  for (int k = 1; k < 10; ++k) p = fmaf(p, t, kP[k]);
  const float upper_tail = 0.5F * t * exp2_of(fmaf(-1.44269504F * z, z, p));
  return x < 0 ? upper_tail : 1 - upper_tail;
}

/// ab [rows, 2 width] = [a, b] -> y [rows, width] = a gelu(b), exact.
template <class T>
static __global__ void __launch_bounds__(kBlock)
    gated_gelu_rows(int rows, int width, const T* __restrict__ ab, T* __restrict__ y) {
  const int vectors = width / kVecSize, i = int(blockIdx.x * kBlock + threadIdx.x);
  if (i >= rows * vectors) return;
  const int64_t row = i / vectors;
  const int column = i % vectors * kVecSize;
  float a[kVecSize], b[kVecSize];
  load(ab + row * 2 * width + column, a);
  load(ab + row * 2 * width + width + column, b);
  for (int k = 0; k < kVecSize; ++k) a[k] *= b[k] * normal_cdf(b[k]);
  store(a, y + row * width + column);
}

/// y [rows, channels] = a + b + bias + other_bias; biases [channels], null: none.
template <class A, class T>
static __global__ void __launch_bounds__(kBlock)
    sum_with_biases(int rows, int channels, const A* __restrict__ a, const T* __restrict__ b, const T* bias,
                    const T* other_bias, T* __restrict__ y) {
  const int vectors = channels / kVecSize, i = int(blockIdx.x * kBlock + threadIdx.x);
  if (i >= rows * vectors) return;
  const int column = i % vectors * kVecSize;
  const int64_t at = int64_t(i / vectors) * channels + column;
  float sum[kVecSize], more[kVecSize];
  load(a + at, sum);
  load(b + at, more);
  for (int k = 0; k < kVecSize; ++k) sum[k] += more[k];
  const T* const biases[2] = {bias, other_bias};
  for (const T* each : biases) {
    if (each == nullptr) continue;
    load(each + column, more);
    for (int k = 0; k < kVecSize; ++k) sum[k] += more[k];
  }
  store(sum, y + at);
}

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
