// SPDX-License-Identifier: Apache-2.0
// Progress of long work: a bar with rate and time left on a terminal, plain lines in a pipe, JSON lines on request.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lucid {

class Progress {
 public:
  enum class Style { kBar, kPlain, kJson, kOff };
  /// "auto" picks a bar on a terminal and plain lines elsewhere; also "bar", "plain", "json", "off".
  static Style style_from_name(const std::string& name);

  Progress(Style style, std::string what, int64_t total, int64_t done_before = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `value` is the step's figure of interest (the score's norm), named `value_name`.
  void update(int64_t done, const std::string& value_name, double value);

 private:
  using Clock = std::chrono::steady_clock;
  Style style_;
  std::string what_;
  int64_t total_, done_before_, done_;
  Clock::time_point start_ = Clock::now(), last_shown_{};
};

}  // namespace lucid
