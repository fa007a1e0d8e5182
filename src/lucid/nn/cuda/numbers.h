// SPDX-License-Identifier: Apache-2.0
// What the kernels here read and write: eight float32 or bfloat16 numbers at a time, computed in float32.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "lucid/base/cuda/platform.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

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

/// Eight numbers as they lie in memory, at a multiple of 16 bytes: words, since nvcc writes shorter members one by one.
template <class T>
struct Eight;
template <>
struct alignas(16) Eight<float> {
  float numbers[kEight];
};
template <>
struct alignas(16) Eight<uint16_t> {
  uint32_t pairs[kEight / 2];
} __attribute__((may_alias));

template <class T>
__device__ inline Eight<T> eight_at(const T* from) {
  return *reinterpret_cast<const Eight<T>*>(from);
}
__device__ inline void unpack(const Eight<float>& eight, float (&x)[kEight]) {
  for (int k = 0; k < kEight; ++k) x[k] = eight.numbers[k];
}
__device__ inline void unpack(const Eight<uint16_t>& eight, float (&x)[kEight]) {
  for (int k = 0; k < kEight; k += 2) {
    const uint32_t low = eight.pairs[k / 2] << 16, high = eight.pairs[k / 2] & 0xffff0000U;
    memcpy(&x[k], &low, sizeof(low));
    memcpy(&x[k + 1], &high, sizeof(high));
  }
}
template <class T>
__device__ inline void load(const T* from, float (&x)[kEight]) {
  unpack(eight_at(from), x);
}
__device__ inline void store(const float (&x)[kEight], float* to) {
  Eight<float> eight;
  for (int k = 0; k < kEight; ++k) eight.numbers[k] = x[k];
  *reinterpret_cast<Eight<float>*>(to) = eight;
}
__device__ inline void store(const float (&x)[kEight], uint16_t* to) {
  Eight<uint16_t> eight;
  for (int k = 0; k < kEight; k += 2) eight.pairs[k / 2] = bfloat16_pair_of(x[k], x[k + 1]);
  *reinterpret_cast<Eight<uint16_t>*>(to) = eight;
}

template <class T>
__device__ T sum_of_warp(T x) {
  for (int bits = 16; bits > 0; bits /= 2) x += __shfl_xor_sync(kAllLanes, x, bits);
  return x;
}

__device__ inline float logistic(float x) { return 1 / (1 + exp2_of(-1.44269504F * x)); }
__device__ inline float silu(float x) { return x * logistic(x); }
__device__ inline float silu_derivative(float x) {
  const float s = logistic(x);
  return s * fmaf(x, 1 - s, 1.F);
}

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
