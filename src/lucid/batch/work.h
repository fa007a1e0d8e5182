// SPDX-License-Identifier: Apache-2.0
// The work of one `lucid batch`: claims rows, and makes each by a process `lucid generate`, several at a time. Any
// number of such processes may work in one folder.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>

#include "lucid/base/progress.h"
#include "lucid/batch/folder.h"

namespace lucid::batch {

struct WorkOptions {
  std::string program;       // path of `lucid`
  int jobs = 1;              // processes at a time
  int threads = 1;           // of a process, unless its options say
  bool retry_failed = true;  // rows that had failed before this work began
  bool wait = true;          // for rows that others work on
  Progress::Style progress = Progress::Style::kOff;
  std::chrono::milliseconds renew_every = std::chrono::seconds(15);
  std::chrono::milliseconds look_every = std::chrono::seconds(2);  // for rows, while others have them
  std::chrono::milliseconds grace = std::chrono::seconds(1);  // after a process was killed: is this one ended as well?
  std::function<void(const std::string& line)> say = [](const std::string&) {};
};

/// Returns when all rows are finished or failed (without `wait`: or others work on them), or after `stop`, once all
/// processes have saved and ended. Throws UserError if the folder cannot be written.
void work(const Folder& folder, const Batch& batch, const Claims& claims, const WorkOptions& options,
          const std::atomic<bool>& stop);

}  // namespace lucid::batch
