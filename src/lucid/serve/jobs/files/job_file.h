// SPDX-License-Identifier: Apache-2.0
// job.json in a run's folder: what the server must know of the run after a restart.
#pragma once

#include <filesystem>
#include <string>

#include "lucid/serve/jobs/run.h"

namespace lucid::serve {

inline constexpr const char* kJobFile = "job.json";

struct Job {
  Run run = {};                        // of it: all but what the files and the process say anew
  std::string key = {}, request = {};  // the client's Idempotency-Key, and a digest of its request
  bool started = false;                // a process has worked on it
};

/// Writes OUT/ID/job.json. Throws UserError.
void write_job(const std::filesystem::path& folder, const Job& job);

/// Throws UserError, which says what is wrong, if the file is not one that write_job() can have written for a run in
/// this folder.
Job read_job(const std::filesystem::path& folder);

}  // namespace lucid::serve
