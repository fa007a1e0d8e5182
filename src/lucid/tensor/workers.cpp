// SPDX-License-Identifier: Apache-2.0
// Workers on a c10::ThreadPool: one OpenMP thread for each, exceptions carried to the caller.
#include "lucid/tensor/workers.h"

#include <omp.h>

#include <exception>
#include <numeric>
#include <vector>

namespace lucid::tensor {

Workers::Workers(int64_t count, torch::Device device) : count_(count), device_(device) {
  if (!device.is_cpu()) return;
  // The threads live as long as the object: libtorch creates helper threads and caches for each thread that uses it,
  // and the helpers of a short-lived thread spin for 25 ms.
  pool_ = std::make_shared<c10::ThreadPool>(static_cast<int>(count), /*numa_node_id=*/-1, [] {
    at::get_num_threads();  // libtorch sets the thread's OpenMP count on its first use, so use it before ours is set
    omp_set_num_threads(1);
  });
}

void Workers::run(const std::function<void(int64_t worker)>& body) const {
  if (pool_ == nullptr) {
    for (int64_t worker = 0; worker < count_; ++worker) body(worker);
    return;
  }
  std::vector<std::exception_ptr> failures(static_cast<size_t>(count_));
  for (int64_t worker = 0; worker < count_; ++worker) {
    pool_->run([&, worker] {
      try {
        body(worker);
      } catch (...) {
        failures[static_cast<size_t>(worker)] = std::current_exception();
      }
    });
  }
  pool_->waitWorkComplete();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

double Workers::sum(const std::function<double(int64_t worker)>& body) const {
  std::vector<double> parts(static_cast<size_t>(count_));
  run([&](int64_t worker) { parts[static_cast<size_t>(worker)] = body(worker); });
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

torch::Tensor Workers::sum_tensors(const std::function<torch::Tensor(int64_t worker)>& body) const {
  std::vector<torch::Tensor> parts(static_cast<size_t>(count_));
  run([&](int64_t worker) { parts[static_cast<size_t>(worker)] = body(worker); });
  const torch::NoGradGuard no_grad;
  torch::Tensor sum = torch::zeros({}, torch::TensorOptions(torch::kDouble).device(device_));
  for (const torch::Tensor& part : parts) {
    if (part.defined()) sum += part.detach();
  }
  return sum;
}

}  // namespace lucid::tensor
