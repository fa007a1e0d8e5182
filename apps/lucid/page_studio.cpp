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

#ifdef LUCID_TORCH_WITH_CUDA
/// The number of GPUs by the driver's files, as this program has no CUDA. CUDA_VISIBLE_DEVICES may hide some.
int64_t card_count() {
  std::error_code none;
  int64_t cards = 0;
  while (fs::exists(fmt::format("/dev/nvidia{}", cards), none)) ++cards;
  if (cards == 0 && fs::exists("/dev/nvidiactl", none)) cards = 1;
  const char* chosen = std::getenv("CUDA_VISIBLE_DEVICES");
  if (chosen == nullptr) return cards;
  const std::string_view list = chosen;
  if (list.empty() || list.starts_with('-')) return 0;
  return std::min<int64_t>(cards, std::ranges::count(list, ',') + 1);
}
#endif

/// The GPUs, then the CPU. The first GPU is "cuda" and not "cuda:0": each has one name, since there is one run at a
/// time for each name.
std::vector<std::string> usable_devices() {
  std::vector<std::string> devices;
#ifdef LUCID_TORCH_WITH_CUDA
  for (int64_t card = 0, cards = card_count(); card < cards; ++card)
    devices.push_back(card == 0 ? "cuda" : fmt::format("cuda:{}", card));
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
