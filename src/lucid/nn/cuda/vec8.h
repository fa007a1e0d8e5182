// SPDX-License-Identifier: Apache-2.0
// Vec8: eight float32 or bfloat16 elements that a thread loads or stores at once; and small device functions that the
// kernels of this folder share. Arithmetic is float32.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "lucid/base/cuda/platform.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

using namespace lucid::cuda::LUCID_CUDA_PLATFORM;

inline constexpr int kVecSize = 8;
inline constexpr unsigned kBlock = 256;  // threads per block, unless a kernel says otherwise

__device__ inline float float_of(float x) { return x; }
__device__ inline float float_of(uint16_t bfloat16) {
  const uint32_t bits = uint32_t(bfloat16) << 16;
  float x;
  memcpy(&x, &bits, sizeof(x));
  return x;
}

/// Eight elements in memory, aligned to 16 bytes. bfloat16 elements are pairs in 32-bit words, since nvcc stores
/// shorter members one by one.
template <class T>
struct Vec8;
template <>
struct alignas(16) Vec8<float> {
  float elements[kVecSize];
};
template <>
struct alignas(16) Vec8<uint16_t> {
  uint32_t pairs[kVecSize / 2];
} __attribute__((may_alias));

template <class T>
__device__ inline Vec8<T> load_vec8(const T* from) {
  return *reinterpret_cast<const Vec8<T>*>(from);
}
__device__ inline void unpack(const Vec8<float>& vec, float (&x)[kVecSize]) {
  for (int k = 0; k < kVecSize; ++k) x[k] = vec.elements[k];
}
__device__ inline void unpack(const Vec8<uint16_t>& vec, float (&x)[kVecSize]) {
  for (int k = 0; k < kVecSize; k += 2) {
    const uint32_t low = vec.pairs[k / 2] << 16, high = vec.pairs[k / 2] & 0xffff0000U;
    memcpy(&x[k], &low, sizeof(low));
    memcpy(&x[k + 1], &high, sizeof(high));
  }
}
template <class T>
__device__ inline void load(const T* from, float (&x)[kVecSize]) {
  unpack(load_vec8(from), x);
}
__device__ inline void store(const float (&x)[kVecSize], float* to) {
  Vec8<float> vec;
  for (int k = 0; k < kVecSize; ++k) vec.elements[k] = x[k];
  *reinterpret_cast<Vec8<float>*>(to) = vec;
}
__device__ inline void store(const float (&x)[kVecSize], uint16_t* to) {
  Vec8<uint16_t> vec;
  for (int k = 0; k < kVecSize; k += 2) vec.pairs[k / 2] = bfloat16_pair_of(x[k], x[k + 1]);
  *reinterpret_cast<Vec8<uint16_t>*>(to) = vec;
}

/// The sum over the lanes of a warp, in every lane.
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
