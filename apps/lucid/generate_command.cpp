// SPDX-License-Identifier: Apache-2.0
// lucid generate.
#include <csignal>

#include "commands.h"
#include "lucid/app/generate.h"
#include "lucid/app/threads.h"
#include "version.h"

namespace lucid::cli {

int run_generate(GenerateRequest& request, const std::atomic<bool>& stop) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of the progress lines that goes away does not end the run
  app::set_threads(request.options.threads);
  return app::generate(request.options, request.table, stop, commit());
}

}  // namespace lucid::cli
