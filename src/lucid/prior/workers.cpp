// SPDX-License-Identifier: Apache-2.0
// See workers.h.
#include "lucid/prior/workers.h"

#include <omp.h>
#include <torch/torch.h>

#include <numeric>

namespace lucid::prior {

void Workers::run(const std::function<void(int64_t worker)>& body) const {
  std::vector<std::exception_ptr> failures(static_cast<size_t>(count_));
  std::vector<std::thread> threads;
  for (int64_t worker = 0; worker < count_; ++worker) {
    threads.emplace_back([&, worker] {
      at::get_num_threads();  // libtorch sets a new thread's number of threads when it is first asked: before ours
      omp_set_num_threads(1);
      try {
        body(worker);
      } catch (...) {
        failures[static_cast<size_t>(worker)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

double Workers::sum(const std::function<double(int64_t worker)>& body) const {
  std::vector<double> parts(static_cast<size_t>(count_));
  run([&](int64_t worker) { parts[static_cast<size_t>(worker)] = body(worker); });
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

}  // namespace lucid::prior
