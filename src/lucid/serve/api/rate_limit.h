// SPDX-License-Identifier: Apache-2.0
// RateLimit: a token bucket for requests that start processes. One for each kind of request.
#pragma once

#include <algorithm>
#include <chrono>

#include "lucid/serve/http/problem.h"

namespace lucid::serve {

class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws ProblemError (status 429) if there were more than 60 requests at once, or more than 4 a second for long.
  void take(Clock::time_point now = Clock::now()) {
    constexpr double kBurst = 60, kPerSecond = 4;
    left_ = std::min(kBurst, left_ + kPerSecond * std::chrono::duration<double>(now - last_).count());
    last_ = now;
    if (left_ < 1) {
      throw http::ProblemError({.status = 429,
                                .type = "too-many-requests",
                                .title = "Too many requests",
                                .detail = "At most 4 requests of this kind a second are taken. Wait a second."});
    }
    left_ -= 1;
  }

 private:
  double left_ = 60;
  Clock::time_point last_ = Clock::now();
};

}  // namespace lucid::serve
