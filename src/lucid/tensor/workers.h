// SPDX-License-Identifier: Apache-2.0
// Threads that each compute with one OpenMP thread: a batch is split among copies of a network rather than every layer
// among cores. oneDNN's bfloat16 backward passes wait for each other by spinning, which beside other work costs 100x.
// A GPU has one worker, the caller itself.
#pragma once

#include <c10/core/thread_pool.h>
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace lucid::tensor {

class Workers {
 public:
  /// Copies share their threads; only one of them may run at a time.
  explicit Workers(int64_t count, torch::Device device = torch::kCPU);
  int64_t count() const { return count_; }
  /// body(0) … body(count-1), at once (on a GPU one after the other); the first exception is thrown
  /// again here.
  void run(const std::function<void(int64_t worker)>& body) const;
  /// body(0) + … + body(count-1), added up in that order.
  double sum(const std::function<double(int64_t worker)>& body) const;
  /// The same for 0-dim tensors, in double precision and on the device; undefined ones do not count. Does not wait.
  torch::Tensor sum_tensors(const std::function<torch::Tensor(int64_t worker)>& body) const;

 private:
  int64_t count_;
  torch::Device device_;
  std::shared_ptr<c10::ThreadPool> pool_;  // none on a GPU
};

/// [begin, end) of the part of `total` rows that a worker computes.
struct Share {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};
inline Share share_of(int64_t total, int64_t worker, int64_t workers) {
  return {.begin = total * worker / workers, .end = total * (worker + 1) / workers};
}

}  // namespace lucid::tensor
