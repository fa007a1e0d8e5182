// SPDX-License-Identifier: Apache-2.0
// How a process ended, in words.
#pragma once

#include "lucid/serve/jobs/process/child.h"

namespace lucid::serve {

bool is_success(const Ending& ending);
/// SIGINT: the process has saved, or there was nothing to save yet.
bool is_interrupted(const Ending& ending);
/// Why it failed: the last message in its log from byte `begin` on, or its signal or status.
std::string ending_text(const Ending& ending, const std::filesystem::path& log, int64_t begin);

}  // namespace lucid::serve
