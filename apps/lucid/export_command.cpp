// SPDX-License-Identifier: Apache-2.0
// lucid export: any file of Gaussians to meshes and to other formats of Gaussians.
#include "commands.h"
#include "lucid/app/export.h"
#include "lucid/app/threads.h"
#include "lucid/asset/splats/splats.h"

namespace lucid::cli {

int run_export(const ExportRequest& request) {
  app::set_threads(request.threads);
  const std::filesystem::path asset = request.asset;
  const gaussians::Cloud cloud = asset::read_splats(asset, request.options.input_axes);
  const std::string name = asset.stem().string();
  app::export_asset(
      {.cloud = cloud, .file = asset, .name = name, .title = request.title.empty() ? name : request.title},
      request.targets, request.options, Progress::style_from_name(request.progress));
  return 0;
}

}  // namespace lucid::cli
