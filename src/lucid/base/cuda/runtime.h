// SPDX-License-Identifier: Apache-2.0
// The CUDA implementation of platform.h: checked runtime calls, kernel launches, and CUB's sort and scan. A failed call
// throws std::runtime_error.
#pragma once

#include <cuda_runtime.h>

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>
#include <utility>

#include "lucid/base/cuda/failure.h"

#define LUCID_CUDA_PLATFORM on_device

namespace lucid::cuda::LUCID_CUDA_PLATFORM {

using Stream = cudaStream_t;

inline void cuda_check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) call_failed(call, cudaGetErrorString(error));
}

inline void* allocate(size_t bytes) {
  void* at = nullptr;
  cuda_check(cudaMalloc(&at, bytes), "cudaMalloc");
  return at;
}
inline void release(void* at) noexcept { (void)cudaFree(at); }  // cudaFree waits for kernels that still use the memory

inline void* allocate_pinned(size_t bytes) {
  void* at = nullptr;
  cuda_check(cudaMallocHost(&at, bytes), "cudaMallocHost");
  return at;
}
inline void release_pinned(void* at) noexcept { (void)cudaFreeHost(at); }

inline void copy_to_host(void* to, const void* from, size_t bytes, Stream stream) {
  cuda_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream), "cudaMemcpyAsync");
}
inline void fill(void* at, int byte, size_t bytes, Stream stream) {
  if (bytes > 0) cuda_check(cudaMemsetAsync(at, byte, bytes, stream), "cudaMemsetAsync");
}

/// A point in a stream that the host can wait for (cudaEvent).
class Event {
 public:
  Event() { cuda_check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags"); }
  ~Event() { (void)cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(Stream stream) { cuda_check(cudaEventRecord(event_, stream), "cudaEventRecord"); }
  void wait() { cuda_check(cudaEventSynchronize(event_), "cudaEventSynchronize"); }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Launches kernel<<<grid, block, 0, stream>>>(arguments...); an empty grid launches nothing. `name` is for errors.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, unsigned block, Stream stream,
            const Arguments&... arguments) {
  if (grid.x == 0 || grid.y == 0) return;
  kernel<<<grid, block, 0, stream>>>(Parameters(arguments)...);
  cuda_check(cudaGetLastError(), name);
}

/// Stable sort of `count` (key, value) pairs by the lowest `bits` bits of the key. Returns true if the result is in the
/// spare arrays. If `temporary` is null, only sets *bytes to the size of the temporary memory it needs.
template <class Key, class Value>
bool sort_pairs(void* temporary, size_t* bytes, Key* keys, Key* spare_keys, Value* values, Value* spare_values,
                int64_t count, int bits, Stream stream) {
  cub::DoubleBuffer<Key> key_buffers(keys, spare_keys);
  cub::DoubleBuffer<Value> value_buffers(values, spare_values);
  cuda_check(cub::DeviceRadixSort::SortPairs(temporary, *bytes, key_buffers, value_buffers, count, 0, bits, stream),
             "cub::DeviceRadixSort::SortPairs");
  return value_buffers.selector == 1;
}

/// to[i] = from[0] + ... + from[i - 1]. If `temporary` is null, only sets *bytes, as sort_pairs() does.
inline void exclusive_scan(void* temporary, size_t* bytes, const uint32_t* from, uint32_t* to, int64_t count,
                           Stream stream) {
  cuda_check(cub::DeviceScan::ExclusiveSum(temporary, *bytes, from, to, count, stream),
             "cub::DeviceScan::ExclusiveSum");
}

/// 2^x by the special function unit: error 2 ulp, denormals flushed to zero (no alpha above 1/255 is denormal).
__device__ inline float exp2_of(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// Two numbers as bfloat16, rounded to nearest even; `low` is in the lower 16 bits.
__device__ inline uint32_t bfloat16_pair_of(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

}  // namespace lucid::cuda::LUCID_CUDA_PLATFORM
