// SPDX-License-Identifier: Apache-2.0
// LiveView: the newest Gaussians of a run as a file, for a viewer in another process.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

#include "lucid/gaussians/cloud.h"

namespace lucid::app {

/// Replaces `file` by a frame (asset/live_frame.h) at most four times a second and for at most 3 % of the time, while a
/// file of the same name with ".watched" added exists. A frame that cannot be written is left out, with one warning.
class LiveView {
 public:
  LiveView(std::filesystem::path file, int64_t steps) : file_(std::move(file)), steps_(steps) {}
  /// `cloud` is called only where a frame is due.
  void show(const std::function<gaussians::Cloud()>& cloud, int64_t step);
  /// Writes a frame in any case: the last one.
  void keep(const gaussians::Cloud& cloud, int64_t step);

 private:
  using Clock = std::chrono::steady_clock;
  std::filesystem::path file_;
  int64_t steps_;
  uint32_t number_ = 0;
  bool warned_ = false;
  Clock::time_point next_{};  // no frame before
};

}  // namespace lucid::app
