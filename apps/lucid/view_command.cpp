// SPDX-License-Identifier: Apache-2.0
// lucid view --html: an asset as one HTML file.
#include <spdlog/spdlog.h>

#include "commands.h"
#include "describe_asset.h"
#include "lucid/app/export.h"
#include "lucid/app/view_html.h"
#include "lucid/asset/mesh_files/mesh_files.h"

namespace lucid::cli {

int run_view(const ViewRequest& request) {
  const std::filesystem::path file = request.asset;
  const std::string title = request.title.empty() ? title_of(file) : request.title;
  const app::ViewScene scene =
      holds_gaussians(file) ? app::view_scene(file, asset::read_splats(file, app::axes_of(request.input_axes)), title)
                            : app::view_scene(file, asset::read_mesh(file), title);
  app::write_view_html(request.html, scene);
  spdlog::info("wrote {}: {:.2f} MB", request.html,
               static_cast<double>(std::filesystem::file_size(request.html)) / 1e6);
  return 0;
}

}  // namespace lucid::cli
