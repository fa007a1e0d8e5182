// SPDX-License-Identifier: Apache-2.0
// Growing buffers of device and pinned host memory. They keep their memory between calls, so repeated sizes allocate
// nothing.
#pragma once

#include <utility>

#include "lucid/render/cuda/platform.h"

namespace lucid::render::cuda::LUCID_CUDA_PLATFORM {

/// Uninitialised device memory for plain data.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() {
    if (data_ != nullptr) release(data_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  /// Returns memory for at least `count` elements. If it has to grow (by at least half), the contents are lost.
  T* reserve(int64_t count) {
    if (count > capacity_) {
      const int64_t grown = count > capacity_ + capacity_ / 2 ? count : capacity_ + capacity_ / 2;
      if (data_ != nullptr) release(std::exchange(data_, nullptr));
      capacity_ = 0;
      data_ = static_cast<T*>(allocate(static_cast<size_t>(grown) * sizeof(T)));
      capacity_ = grown;
    }
    return data_;
  }
  T* data() const { return data_; }
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  T* data_ = nullptr;
  int64_t capacity_ = 0;
};

/// One value in pinned host memory: the target of asynchronous copies from the device.
template <class T>
class Pinned {
 public:
  Pinned() : value_(static_cast<T*>(allocate_pinned(sizeof(T)))) {}
  ~Pinned() { release_pinned(value_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  T* get() const { return value_; }
  const T& operator*() const { return *value_; }

 private:
  T* value_;
};

}  // namespace lucid::render::cuda::LUCID_CUDA_PLATFORM
