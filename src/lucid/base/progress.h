// SPDX-License-Identifier: Apache-2.0
// Progress display of long work: a bar with rate and time left on a terminal, plain lines in a pipe, or JSON lines.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lucid {

class Progress {
 public:
  enum class Style { kBar, kPlain, kJson, kOff };
  /// "bar", "plain", "json" or "off". Any other name ("auto") means a bar on a terminal and plain lines elsewhere.
  static Style style_from_name(const std::string& name);

  /// `total` and `done_before` count steps; `done_before` is where a resumed run starts.
  Progress(Style style, std::string what, int64_t total, int64_t done_before = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Reports `done` finished steps. `value` is one figure of the last step, such as the score's norm; the display
  /// labels it `value_name`. The bar is redrawn every 0.1 s at most, a plain line is printed every 5 s at most, and
  /// JSON gets one line a call, which has `more` figures as well.
  void update(int64_t done, const std::string& value_name, double value,
              const std::vector<std::pair<std::string, double>>& more = {});

 private:
  using Clock = std::chrono::steady_clock;
  Style style_;
  std::string what_;
  int64_t total_, done_before_, done_;
  Clock::time_point start_ = Clock::now(), last_shown_{};
};

/// The stages of a job, by name: one line that is redrawn on a terminal, a line each elsewhere.
class StageProgress {
 public:
  StageProgress(Progress::Style style, std::string what) : style_(style), what_(std::move(what)) {}
  ~StageProgress() { end(); }
  StageProgress(const StageProgress&) = delete;
  StageProgress& operator=(const StageProgress&) = delete;

  void begin(const std::string& stage);
  void end();  // clears the line, so that something else can be printed

 private:
  Progress::Style style_;
  std::string what_;
  bool drawn_ = false;
};

}  // namespace lucid
