// SPDX-License-Identifier: Apache-2.0
// Puts the server, the runs and the API together.
#include "page_studio.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "lucid/app/run_options/run_options.h"

namespace lucid::cli {
namespace {
namespace fs = std::filesystem;

/// The GPUs before the CPU. Asked of the driver's files, as this program has no CUDA. The first is "cuda" and not
/// "cuda:0": each card has one name, since there is one run at a time for each name.
std::vector<std::string> usable_devices() {
  std::vector<std::string> devices;
#ifdef LUCID_TORCH_WITH_CUDA
  std::error_code none;
  if (fs::exists("/dev/nvidiactl", none)) devices.emplace_back("cuda");
  const char* chosen = std::getenv("CUDA_VISIBLE_DEVICES");
  const auto limit = chosen == nullptr ? 128 : std::ranges::count(std::string_view(chosen), ',') + 1;
  for (int64_t card = 1; card < limit && fs::exists(fmt::format("/dev/nvidia{}", card), none); ++card)
    devices.push_back(fmt::format("cuda:{}", card));
#endif
  devices.emplace_back("cpu");
  return devices;
}

}  // namespace

PageStudio::PageStudio(serve::http::Options http, serve::StudioOptions options, serve::Mode mode)
    : server_(std::move(http)) {
  const bool on_network = !server_.warning().empty();
  options.program = fs::read_symlink("/proc/self/exe");
  options.devices = usable_devices();
  options.accepts_paths = !on_network;
  const serve::Loop loop{.post = [this](std::function<void()> task) { server_.post(std::move(task)); },
                         .after = [this](std::chrono::milliseconds delay,
                                         std::function<void()> task) { server_.after(delay, std::move(task)); }};
  studio_.emplace(options, loop, changes_.callbacks());
  serve::add_program_routes(server_, {.program = "lucid " LUCID_VERSION,
                                      .openapi_file = app::data_folder() / "configs" / "openapi.json",
                                      .output = fs::absolute(options.output),
                                      .mode = mode,
                                      .devices = options.devices,
                                      .on_network = on_network,
                                      .queue_limit = options.queue_limit});
  serve::add_run_routes(server_, *studio_, changes_);
  serve::add_asset_routes(server_, *studio_);
  open_pages_ = serve::add_live_socket(server_, *studio_, changes_);
}

void PageStudio::end() {
  // The runs' processes are told when the thread that started them ends, so Studio must end on it, and before it.
  server_.stop([this] { studio_.reset(); });
}

}  // namespace lucid::cli
