// SPDX-License-Identifier: Apache-2.0
// lucid render: any 3D Gaussian Splatting PLY to pictures and videos, at any resolution.
#include <spdlog/spdlog.h>

#include <chrono>

#include "commands.h"
#include "lucid/app/threads.h"
#include "lucid/asset/image.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/train/outputs.h"

namespace lucid::cli {
namespace {

/// Frames a second of a turntable, without writing anything.
void bench(const RenderRequest& request, const gaussians::Cloud& cloud, gaussians::ViewRenderer& renderer) {
  const gaussians::Activated activated = gaussians::activate(cloud, {.active_degree = cloud.sh_degree()});
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < request.bench; ++i) {
    const double phi = 360.0 * static_cast<double>(i) / static_cast<double>(request.bench);
    const Camera camera =
        orbit_camera(request.camera[0], phi, request.camera[2], request.fovy, request.size, request.size);
    renderer.forward(0, activated, camera, {1, 1, 1});
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{:.1f} frames/s at {}x{}, {} Gaussians ({})\n", static_cast<double>(request.bench) / seconds,
             request.size, request.size, cloud.count(), render::cpu_isa());
}

torch::Tensor picture(const RenderRequest& request, const gaussians::Cloud& cloud, double phi,
                      gaussians::ViewRenderer& renderer) {
  const Camera camera =
      orbit_camera(request.camera[0], phi, request.camera[2], request.fovy, request.size, request.size);
  const gaussians::RenderedView view = train::plain_view(cloud, camera, renderer);
  return request.depth ? asset::depth_image(view.depth, view.alpha) : view.rgb;  // [3,H,W]
}

/// Assets in rows of `columns`, each with the azimuths spread evenly over the circle.
void write_sheet(const RenderRequest& request, gaussians::ViewRenderer& renderer) {
  std::vector<std::vector<torch::Tensor>> rows;
  for (const std::string& asset : request.assets) {
    const gaussians::Cloud cloud = asset::read_ply(asset);
    if (rows.empty() || static_cast<int64_t>(rows.back().size()) == request.columns * request.sheet)
      rows.emplace_back();
    std::vector<torch::Tensor>& row = rows.back();
    for (int64_t i = 0; i < request.sheet; ++i) {
      const double phi = request.camera[1] + 360.0 * static_cast<double>(i) / static_cast<double>(request.sheet);
      row.push_back(picture(request, cloud, phi, renderer));
    }
  }
  rows.back().resize(rows.front().size(), torch::ones_like(rows.front().front()));  // a short last row: white
  asset::write_png(request.output, asset::contact_sheet(rows));
  spdlog::info("wrote {}: {} assets, {} views of each", request.output, request.assets.size(), request.sheet);
}

}  // namespace

int run_render(const RenderRequest& request) {
  app::set_threads(request.threads);
  gaussians::ViewRenderer renderer;
  if (request.sheet > 0) {
    write_sheet(request, renderer);
    return 0;
  }
  const gaussians::Cloud cloud = asset::read_ply(request.assets.front());
  if (request.bench > 0) {
    bench(request, cloud, renderer);
    return 0;
  }
  if (request.turntable) {
    train::TrainOptions options;
    options.views.width = options.views.height = request.size;
    options.views.default_polar = request.camera[0];
    options.views.default_azimuth = request.camera[1];
    options.views.default_radius = request.camera[2];
    options.views.default_fovy = request.fovy;
    options.turntable_frames = request.frames;
    const std::filesystem::path folder = request.output == "render.png" ? "." : request.output;
    train::write_turntables(folder, cloud, options, renderer);
    spdlog::info("wrote {}", (folder / "turntable_rgb.mp4").string());
    return 0;
  }
  asset::write_png(request.output, picture(request, cloud, request.camera[1], renderer));
  spdlog::info("wrote {}: {} Gaussians, {}x{}", request.output, cloud.count(), request.size, request.size);
  return 0;
}

}  // namespace lucid::cli
