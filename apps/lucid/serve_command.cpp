// SPDX-License-Identifier: Apache-2.0
// lucid serve: the HTTP server, the runs of a folder, and the page. No libtorch: each run is a process `lucid
// generate`.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <optional>

#include "launcher_commands.h"
#include "lucid/app/run_options/web_folder.h"
#include "lucid/serve/api/api.h"
#include "page_server.h"
#include "stop_signal.h"

namespace lucid::cli {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> usable_devices() {
  std::vector<std::string> devices = {"cpu"};
#ifdef LUCID_TORCH_WITH_CUDA
  std::error_code none;
  if (fs::exists("/dev/nvidiactl", none)) devices.insert(devices.begin(), "cuda");
#endif
  return devices;
}

}  // namespace

int run_serve(const ServeRequest& request, const std::atomic<bool>& stop) {
  serve::http::Server server(options_of(request.page));
  const bool on_network = !server.warning().empty();
  const serve::Loop loop{.post = [&server](std::function<void()> task) { server.post(std::move(task)); },
                         .after = [&server](std::chrono::milliseconds delay,
                                            std::function<void()> task) { server.after(delay, std::move(task)); }};
  serve::Changes changes;
  std::optional<serve::Studio> studio;
  const serve::StudioOptions options{.output = request.output,
                                     .program = fs::read_symlink("/proc/self/exe"),
                                     .devices = usable_devices(),
                                     .accepts_paths = !on_network};
  studio.emplace(options, loop, changes.callbacks());
  serve::add_program_routes(server, {.program = "lucid " LUCID_VERSION,
                                     .openapi_file = app::data_folder() / "configs" / "openapi.json",
                                     .output = fs::absolute(request.output),
                                     .mode = serve::Mode::kStudio,
                                     .devices = options.devices,
                                     .on_network = on_network,
                                     .queue_limit = options.queue_limit});
  serve::add_run_routes(server, *studio, changes);
  serve::add_asset_routes(server, *studio);
  serve::add_live_socket(server, *studio, changes);
  start_and_announce(server);
  spdlog::info("runs are in {}; Ctrl-C pauses what works, and ends", request.output);
  wait_for(stop);
  spdlog::info("pausing what works …");
  // The runs' processes live no longer than the thread that started them: Studio must end on it.
  server.stop([&studio] { studio.reset(); });
  return 0;
}

}  // namespace lucid::cli
