// SPDX-License-Identifier: Apache-2.0
// Wall time of a call in seconds, for benchmarks.
#pragma once

#include <chrono>
#include <functional>

namespace lucid::bench {

inline double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace lucid::bench
