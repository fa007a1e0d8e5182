// SPDX-License-Identifier: Apache-2.0
// Workers: threads that each compute a share of a batch, in place of OpenMP threads that share each layer. Each worker
// uses one OpenMP thread. oneDNN's bfloat16 backward passes synchronise OpenMP threads by spinning, which takes 100
// times as long on a machine with other load. On a GPU the calling thread runs the shares one after the other.
#pragma once

#include <c10/core/thread_pool.h>
#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace lucid::tensor {

class Workers {
 public:
  /// Copies of the object share the threads; only one copy may run at a time.
  explicit Workers(int64_t count, torch::Device device = torch::kCPU);
  int64_t count() const { return count_; }
  /// Runs body(0) … body(count-1) concurrently (on a GPU one after the other) and waits. Rethrows the exception of the
  /// first worker that failed.
  void run(const std::function<void(int64_t worker)>& body) const;
  /// body(0) + … + body(count-1), computed concurrently and added in that order.
  double sum(const std::function<double(int64_t worker)>& body) const;
  /// The same for 0-dim tensors: added in double precision on the device, without waiting for a GPU. Undefined tensors
  /// are skipped.
  torch::Tensor sum_tensors(const std::function<torch::Tensor(int64_t worker)>& body) const;

 private:
  int64_t count_;
  torch::Device device_;
  std::shared_ptr<c10::ThreadPool> pool_;  // null on a GPU
};

/// The rows [begin, end) that one worker computes.
struct Share {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};
/// Divides `total` rows into `workers` nearly equal shares.
inline Share share_of(int64_t total, int64_t worker, int64_t workers) {
  return {.begin = total * worker / workers, .end = total * (worker + 1) / workers};
}

}  // namespace lucid::tensor
