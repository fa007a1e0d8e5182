// SPDX-License-Identifier: Apache-2.0
// A batch as an array job of Slurm: every task runs `lucid batch` on the shared folder and claims rows.
#pragma once

#include <string>
#include <vector>

#include "lucid/batch/folder.h"

namespace lucid::batch {

struct SlurmOptions {
  std::string program;                    // path of `lucid`
  int tasks = 1;                          // of the array
  int jobs = 1;                           // processes of a task
  int seconds_before_end = 120;           // when the task is told that its time is nearly over
  std::vector<std::string> options = {};  // for sbatch: "--partition=gpu"
};

/// The script. A task that is told that its time ends saves, and is queued again; a task that is cancelled only saves.
std::string sbatch_script(const Folder& folder, const SlurmOptions& options);

}  // namespace lucid::batch
