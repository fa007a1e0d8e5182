// SPDX-License-Identifier: Apache-2.0
// lucid view: assets side by side in a page, or one as an HTML file.
#include <spdlog/spdlog.h>

#include "commands.h"
#include "describe_asset.h"
#include "lucid/app/view_html.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/serve/api/api.h"
#include "page_server.h"
#include "stop_signal.h"

namespace lucid::cli {
namespace {
namespace fs = std::filesystem;

app::ViewScene read_scene(const ViewRequest& request, const fs::path& file, const std::string& title) {
  return asset::holds_gaussians(file) ? app::view_scene(file, asset::read_splats(file, request.input_axes), title)
                                      : app::view_scene(file, asset::read_mesh(file), title);
}

int serve_scenes(const ViewRequest& request, const std::atomic<bool>& stop) {
  std::vector<serve::Scene> scenes;
  for (const std::string& file : request.assets) {
    const std::string name = fs::path(file).filename();
    app::ViewScene scene = read_scene(request, file, name == "point_cloud.ply" ? title_of(file) : name);
    scenes.push_back({.title = std::move(scene.title),
                      .kind = std::move(scene.kind),
                      .gzip = scene.gzip,
                      .bytes = std::make_shared<const std::string>(std::move(scene.data))});
  }
  serve::http::Server server(options_of(request.page));
  serve::add_about(server, {.mode = serve::Mode::kView, .on_network = !server.warning().empty()});
  serve::add_scene_routes(server, scenes);
  start_and_announce(server);
  spdlog::info("Ctrl-C ends");
  wait_for(stop);
  return 0;
}

}  // namespace

int run_view(const ViewRequest& request, const std::atomic<bool>& stop) {
  if (request.html.empty()) return serve_scenes(request, stop);
  const fs::path file = request.assets.front();
  app::write_view_html(request.html, read_scene(request, file, request.title.empty() ? title_of(file) : request.title));
  spdlog::info("wrote {}: {:.2f} MB", request.html, static_cast<double>(fs::file_size(request.html)) / 1e6);
  return 0;
}

}  // namespace lucid::cli
