// SPDX-License-Identifier: Apache-2.0
// Writes live frames: to a temporary name, then renamed. Not flushed to the disk, since a frame lives a quarter second.
#include "lucid/app/live_view.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>

#include "lucid/asset/live_frame.h"

namespace lucid::app {
namespace fs = std::filesystem;

void LiveView::show(const std::function<gaussians::Cloud()>& cloud, int64_t step) {
  constexpr std::chrono::milliseconds kInterval{250};
  constexpr int kShare = 33;  // a frame may take one part in this many
  const Clock::time_point begin = Clock::now();
  std::error_code error;
  if (begin < next_ || !fs::exists(fs::path(file_) += ".watched", error)) return;
  keep(cloud(), step);
  const Clock::time_point end = Clock::now();
  next_ = std::max<Clock::time_point>(begin + kInterval, end + kShare * (end - begin));
}

void LiveView::keep(const gaussians::Cloud& cloud, int64_t step) {
  const std::string frame = asset::live_frame(
      cloud, {.number = number_++, .step = static_cast<uint32_t>(step), .steps = static_cast<uint32_t>(steps_)});
  const fs::path temporary = fs::path(file_) += ".new";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out.write(frame.data(), static_cast<std::streamsize>(frame.size()));
  out.close();
  std::error_code error;
  if (out) fs::rename(temporary, file_, error);
  if (!warned_ && (!out || error)) {
    spdlog::warn("{}: the live view cannot be written", file_.string());
    warned_ = true;
  }
}

}  // namespace lucid::app
