// SPDX-License-Identifier: Apache-2.0
// Device memory and timers for code without CUDA headers: tests and benchmarks.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace lucid::render::cuda {

/// Owns bytes on the current device. Copies wait for all work on the device. The constructor throws UserError if this
/// build has no CUDA.
class DeviceMemory {
 public:
  explicit DeviceMemory(size_t bytes);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory& operator=(DeviceMemory&&) = delete;
  void* data() const { return data_; }
  void upload(const void* from);
  void download(void* to) const;

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// A copy of a host array on the device.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values) : memory_(values.size() * sizeof(T)) {
    memory_.upload(values.data());
  }
  T* data() const { return static_cast<T*>(memory_.data()); }
  void download(std::vector<T>* to) const { memory_.download(to->data()); }

 private:
  DeviceMemory memory_;
};

/// Measures the milliseconds that the default stream takes between start() and stop(), with CUDA events.
class DeviceTimer {
 public:
  DeviceTimer();
  ~DeviceTimer();
  DeviceTimer(const DeviceTimer&) = delete;
  DeviceTimer& operator=(const DeviceTimer&) = delete;
  void start();
  double stop();  // waits for the stream

 private:
  struct Events;
  std::unique_ptr<Events> events_;
};

}  // namespace lucid::render::cuda
