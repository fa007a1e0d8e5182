// SPDX-License-Identifier: Apache-2.0
// Starts the server of a page.
#include "page_server.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>

#include "lucid/app/run_options/web_folder.h"

namespace lucid::cli {

serve::http::Options options_of(const PageRequest& request) {
  return {.address = request.address,
          .port = request.port,
          .token = request.token,
          .host_names = request.hosts,
          .web_folder = app::web_folder()};
}

void start_and_announce(serve::http::Server& server) {
  server.start();
  fmt::print("{}\n", server.url());
  std::fflush(stdout);
  std::error_code none;
  if (std::filesystem::exists(app::web_folder() / "index.html", none)) {
    spdlog::info("open the address above in a browser; its last part lets you in");
  } else {
    spdlog::warn("the page is not built, so only the API is there: run `make web` in lucid's source folder");
  }
  if (!server.warning().empty()) spdlog::warn("{}", server.warning());
}

}  // namespace lucid::cli
