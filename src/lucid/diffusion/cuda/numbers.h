// SPDX-License-Identifier: Apache-2.0
// What the kernels here read and write: eight float32 or bfloat16 numbers at a time, computed in float32.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "lucid/base/cuda/platform.h"

namespace lucid::diffusion::LUCID_CUDA_PLATFORM {

using namespace lucid::cuda::LUCID_CUDA_PLATFORM;

inline constexpr int kEight = 8;
inline constexpr unsigned kBlock = 256;  // threads of every block here

__device__ inline float float_of(float x) { return x; }
__device__ inline float float_of(uint16_t bfloat16) {
  const uint32_t bits = uint32_t(bfloat16) << 16;
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

template <class T>
__device__ T number_of(float x);
template <>
__device__ inline float number_of<float>(float x) {
  return x;
}
template <>
__device__ inline uint16_t number_of<uint16_t>(float x) {  // to the nearest bfloat16, even of two
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  if (x != x) return 0x7fc0;
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Eight numbers that lie at a multiple of 16 bytes.
template <class T>
struct alignas(16) Eight {
  T numbers[kEight];
};
template <class T>
__device__ inline void load(const T* from, float (&x)[kEight]) {
  const Eight<T> eight = *reinterpret_cast<const Eight<T>*>(from);
  for (int k = 0; k < kEight; ++k) x[k] = float_of(eight.numbers[k]);
}
template <class T>
__device__ inline void store(const float (&x)[kEight], T* to) {
  Eight<T> eight;
  for (int k = 0; k < kEight; ++k) eight.numbers[k] = number_of<T>(x[k]);
  *reinterpret_cast<Eight<T>*>(to) = eight;
}

__device__ inline float logistic(float x) { return 1 / (1 + exp2_of(-1.44269504F * x)); }
__device__ inline float silu(float x) { return x * logistic(x); }
__device__ inline float silu_derivative(float x) {
  const float s = logistic(x);
  return s * fmaf(x, 1 - s, 1.F);
}

}  // namespace lucid::diffusion::LUCID_CUDA_PLATFORM
