// SPDX-License-Identifier: Apache-2.0
// Words for the end of a process.
#include "lucid/serve/jobs/process/ending_text.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "lucid/serve/jobs/process/log.h"

namespace lucid::serve {

bool is_success(const Ending& ending) { return ending.problem.empty() && ending.signal == 0 && ending.code == 0; }

bool is_interrupted(const Ending& ending) {
  constexpr int kInterrupted = 130;
  return ending.problem.empty() && (ending.signal == SIGINT || (ending.signal == 0 && ending.code == kInterrupted));
}

std::string ending_text(const Ending& ending, const std::filesystem::path& log, int64_t begin) {
  if (!ending.problem.empty()) return ending.problem;
  if (ending.signal != 0) {
    return fmt::format("the process was killed by signal {} ({}){}", ending.signal, strsignal(ending.signal),
                       ending.signal == SIGKILL ? "; perhaps the machine ran out of memory" : "");
  }
  const std::vector<std::string> lines = messages(log, begin);
  return lines.empty()
             ? fmt::format("the process ended with status {} and said nothing; see {}", ending.code, log.string())
             : lines.back();
}

}  // namespace lucid::serve
