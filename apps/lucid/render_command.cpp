// SPDX-License-Identifier: Apache-2.0
// lucid render: any file of Gaussians to pictures, contact sheets and animations.
#include <spdlog/spdlog.h>

#include <chrono>
#include <numeric>

#include "commands.h"
#include "describe_asset.h"
#include "lucid/app/threads.h"
#include "lucid/asset/pictures/animation_format.h"
#include "lucid/asset/pictures/caption.h"
#include "lucid/asset/pictures/framing.h"
#include "lucid/asset/pictures/image.h"
#include "lucid/asset/pictures/orbit.h"
#include "lucid/asset/pictures/turntable.h"
#include "lucid/asset/pictures/view_picture.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/progress.h"
#include "lucid/camera/sampler.h"

namespace lucid::cli {
namespace fs = std::filesystem;
namespace {

constexpr int kGap = 2;  // pixels between the pictures of a sheet

Camera camera_at(const RenderRequest& request, double phi) {
  return orbit_camera(request.camera[0], phi, request.camera[2], request.fovy, request.width, request.height);
}

asset::PictureStyle style_of(const RenderRequest& request) {
  return {.channels = request.channels, .background = request.background, .supersample = request.supersample};
}

/// Says why a picture will show little or nothing.
void warn_of_view(const std::string& file, const std::optional<asset::Bounds>& bounds, double fitting) {
  constexpr double kLarge = 3, kSmall = 0.1;  // times the radius that fits the picture
  if (!bounds) {
    spdlog::warn("{}: every Gaussian is transparent", file);
    return;
  }
  const double offset = std::hypot(bounds->centre[0], bounds->centre[1], bounds->centre[2]);
  const char* what = offset > fitting + bounds->radius            ? "outside the picture"
                     : bounds->radius + offset > kLarge * fitting ? "much larger than the picture"
                     : bounds->radius < kSmall * fitting          ? "tiny"
                                                                  : nullptr;
  if (what != nullptr) spdlog::warn("{} is {}; --fit frames it", file, what);
}

/// The asset, moved so that the target is the origin, and framed if that is wished.
gaussians::Cloud read_asset(const RenderRequest& request, const std::string& file) {
  gaussians::Cloud cloud = asset::read_splats(file, request.axes);
  cloud.means = cloud.means - torch::tensor(request.target, torch::kFloat32);
  const std::optional<asset::Bounds> bounds = asset::visible_bounds(cloud);
  const Camera camera = camera_at(request, 0);
  const double fitting =
      asset::framed_radius(request.camera[2], std::min(camera.tan_half_fov_x, camera.tan_half_fov_y));
  if (request.fit && bounds && bounds->radius > 0) return asset::framed(cloud, *bounds, fitting);
  warn_of_view(file, bounds, fitting);
  return cloud;
}

/// Frames a second of a turntable, without writing anything.
void bench(const RenderRequest& request, const gaussians::Cloud& cloud, gaussians::ViewRenderer& renderer) {
  const gaussians::Activated active = gaussians::activate(cloud);
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < request.bench; ++i) {
    const double phi = 360.0 * static_cast<double>(i) / static_cast<double>(request.bench);
    renderer.forward(0, active, camera_at(request, phi), {1, 1, 1});
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{:.1f} frames/s at {}x{}, {} Gaussians ({})\n", static_cast<double>(request.bench) / seconds,
             request.width, request.height, cloud.count(), render::cpu_isa());
}

std::vector<std::string> captions_of(const RenderRequest& request) {
  if (!request.captions || !request.captions->empty()) return request.captions.value_or(std::vector<std::string>{});
  std::vector<std::string> titles;
  for (const std::string& asset : request.assets) titles.push_back(title_of(asset));
  return titles;
}

/// The background as a colour of a sheet's gaps. [3], or [4] if it is transparent
torch::Tensor fill_of(const asset::Background& background) {
  if (background.transparent) return torch::zeros({4});
  return torch::tensor({background.rgb[0], background.rgb[1], background.rgb[2]});
}

/// Adds a band with its caption below each block of pictures [C,H,W].
void add_captions(std::vector<torch::Tensor>& blocks, const std::vector<std::string>& captions,
                  const asset::Background& background) {
  const auto width = static_cast<int>(blocks.front().size(2));
  std::vector<std::vector<std::string>> lines;
  size_t most = 1;
  for (const std::string& caption : captions) {
    lines.push_back(asset::caption_lines(caption, width));
    most = std::max(most, lines.back().size());
  }
  for (size_t i = 0; i < blocks.size(); ++i)
    blocks[i] = torch::cat({blocks[i], asset::caption_band(lines[i], most, width, background)}, 1);
}

/// Assets in rows of `columns`, each with the azimuths spread evenly over the circle and its caption below.
void write_sheet(const RenderRequest& request, gaussians::ViewRenderer& renderer) {
  const torch::Tensor fill = fill_of(request.background);
  const auto assets = static_cast<int64_t>(request.assets.size());
  Progress progress(Progress::style_from_name(request.progress), "rendering", assets * request.sheet);
  std::vector<torch::Tensor> blocks;  // one an asset
  int64_t done = 0;
  for (const std::string& file : request.assets) {
    const gaussians::Activated cloud = gaussians::activate(read_asset(request, file));
    std::vector<torch::Tensor> views;
    for (int64_t i = 0; i < request.sheet; ++i) {
      const double phi = request.camera[1] + 360.0 * static_cast<double>(i) / static_cast<double>(request.sheet);
      views.push_back(asset::view_picture(cloud, camera_at(request, phi), style_of(request), renderer));
      ++done;
      progress.update(done, "view", static_cast<double>(done));
    }
    blocks.push_back(asset::contact_sheet({views}, kGap, fill));
  }
  if (const auto captions = captions_of(request); !captions.empty()) add_captions(blocks, captions, request.background);
  std::vector<std::vector<torch::Tensor>> rows;
  for (const torch::Tensor& block : blocks) {
    if (rows.empty() || static_cast<int64_t>(rows.back().size()) == request.columns) rows.emplace_back();
    rows.back().push_back(block);
  }
  asset::write_png(request.output, asset::contact_sheet(rows, kGap, fill));
  spdlog::info("wrote {}: {} assets, {} views of each", request.output, assets, request.sheet);
}

asset::Orbit orbit_of(const RenderRequest& request) {
  return {.phi_from = request.orbit.empty() ? request.camera[1] : request.orbit[0],
          .phi_to = request.orbit.empty() ? request.camera[1] + 360 : request.orbit[1],
          .theta_from = request.polar.empty() ? request.camera[0] : request.polar.front(),
          .theta_to = request.polar.empty() ? request.camera[0] : request.polar.back(),
          .radius = request.camera[2],
          .fovy = request.fovy,
          .width = request.width,
          .height = request.height};
}

void write_animation(const RenderRequest& request, const gaussians::Activated& cloud,
                     gaussians::ViewRenderer& renderer) {
  Progress progress(Progress::style_from_name(request.progress), "rendering", request.frames);
  asset::write_turntable(request.output, cloud,
                         {.cameras = asset::orbit_cameras(orbit_of(request), request.frames),
                          .style = style_of(request),
                          .fps = request.fps,
                          .on_frame = [&](int64_t done) { progress.update(done, "frame", static_cast<double>(done)); }},
                         renderer);
  spdlog::info("wrote {}: {} frames", request.output, request.frames);
}

/// The videos that a training run writes: colour and depth, level and from above.
void write_turntable_folder(const RenderRequest& request, const gaussians::Activated& cloud,
                            gaussians::ViewRenderer& renderer) {
  const fs::path folder = request.output == RenderRequest{}.output ? "." : request.output;
  Progress progress(Progress::style_from_name(request.progress), "rendering", 2 * request.frames);
  int64_t before = 0;
  for (const bool above : {false, true}) {
    asset::Orbit orbit = orbit_of(request);
    if (above) orbit.theta_from = orbit.theta_to = kPolarFromAbove;
    asset::write_rgb_and_depth(
        folder, above ? "turntable_above" : "turntable", cloud,
        {.cameras = asset::orbit_cameras(orbit, request.frames),
         .style = style_of(request),
         .fps = request.fps,
         .on_frame =
             [&](int64_t done) { progress.update(before + done, "frame", static_cast<double>(before + done)); }},
        renderer);
    before = request.frames;
  }
  spdlog::info("wrote {}", (folder / "turntable_rgb.mp4").string());
}

}  // namespace

int run_render(const RenderRequest& request) {
  app::set_threads(request.threads);
  gaussians::ViewRenderer renderer;
  if (request.sheet > 0) {
    write_sheet(request, renderer);
    return 0;
  }
  const gaussians::Cloud cloud = read_asset(request, request.assets.front());
  if (request.bench > 0) {
    bench(request, cloud, renderer);
  } else if (asset::animation_of(request.output) != nullptr) {
    write_animation(request, gaussians::activate(cloud), renderer);
  } else if (request.turntable) {
    write_turntable_folder(request, gaussians::activate(cloud), renderer);
  } else {
    const Camera camera = camera_at(request, request.camera[1]);
    const torch::Tensor picture = asset::view_picture(gaussians::activate(cloud), camera, style_of(request), renderer);
    asset::write_png(request.output, picture);
    spdlog::info("wrote {}: {} Gaussians, {}x{}", request.output, cloud.count(), picture.size(2), picture.size(1));
  }
  return 0;
}

}  // namespace lucid::cli
