// SPDX-License-Identifier: Apache-2.0
// lucid serve: the runs of a folder, and the page. No libtorch: each run is a process `lucid generate`.
#include <spdlog/spdlog.h>

#include "launcher_commands.h"
#include "page_studio.h"
#include "stop_signal.h"

namespace lucid::cli {

int run_serve(const ServeRequest& request, const std::atomic<bool>& stop) {
  PageStudio page(options_of(request.page), {.output = request.output}, serve::Mode::kStudio);
  start_and_announce(page.server());
  spdlog::info("runs are in {}; Ctrl-C pauses what works, and ends", request.output);
  wait_for(stop);
  spdlog::info("pausing what works …");
  page.end();
  return 0;
}

}  // namespace lucid::cli
