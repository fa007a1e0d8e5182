// SPDX-License-Identifier: Apache-2.0
// lucid render: any 3D Gaussian Splatting PLY to pictures and films, at any resolution.
#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <numbers>

#include "commands.h"
#include "lucid/app/threads.h"
#include "lucid/asset/image.h"
#include "lucid/asset/ply.h"
#include "lucid/base/error.h"
#include "lucid/train/outputs.h"

namespace lucid::cli {
namespace {

struct RenderState {
  std::vector<std::string> assets;
  std::string output = "render.png";
  std::vector<double> camera = {90, 0, 3.5};  // theta, phi (degrees), radius
  double fovy = 0.55;
  int size = 512;
  bool turntable = false, depth = false;
  int64_t frames = 120, threads = 0, bench = 0, sheet = 0, columns = 1;
};

constexpr double kMaxDistance = 1e6;

void check(const RenderState& state) {
  const auto refuse = [](const char* flag, const std::string& what) {
    throw UserError({.what_happened = what, .key = flag});
  };
  if (!std::isfinite(state.camera[1])) refuse("--camera", "the azimuth is not a number");
  if (!(state.camera[0] >= 0 && state.camera[0] <= 180))
    refuse("--camera", fmt::format("theta {} is not in [0, 180] degrees", state.camera[0]));
  if (!(state.camera[2] > 0 && state.camera[2] < kMaxDistance))
    refuse("--camera", fmt::format("radius {} is not in (0, 1e6)", state.camera[2]));
  if (!(state.fovy >= 0.01 && state.fovy <= 3))
    refuse("--fovy", fmt::format("{} is not in [0.01, 3] radians", state.fovy));
  if (state.size < 1 || state.size > 8192) refuse("--size", fmt::format("{} is not in [1, 8192] pixels", state.size));
  if (state.frames < 1 || state.frames > 100000)
    refuse("--frames", fmt::format("{} is not in [1, 100000]", state.frames));
  if (state.sheet < 0 || state.sheet > 64) refuse("--sheet", fmt::format("{} is not in [0, 64]", state.sheet));
  if (state.columns < 1 || state.columns > 64) refuse("--columns", fmt::format("{} is not in [1, 64]", state.columns));
  if (state.assets.size() > 1 && state.sheet == 0)
    throw UserError({.what_happened = "several assets need --sheet, which gives each a row", .key = state.assets[1]});
}

/// Frames a second of a turntable, without writing anything.
void bench(const RenderState& state, const gaussians::Cloud& cloud, gaussians::ViewRenderer& renderer) {
  const gaussians::Activated activated = gaussians::activate(cloud, {.active_degree = cloud.sh_degree()});
  const auto begin = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < state.bench; ++i) {
    const double phi = 360.0 * static_cast<double>(i) / static_cast<double>(state.bench);
    const Camera camera = orbit_camera(state.camera[0], phi, state.camera[2], state.fovy, state.size, state.size);
    renderer.forward(0, activated, camera, {1, 1, 1});
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{:.1f} frames/s at {}x{}, {} Gaussians ({})\n", static_cast<double>(state.bench) / seconds, state.size,
             state.size, cloud.count(), render::cpu_isa());
}

torch::Tensor picture(const RenderState& state, const gaussians::Cloud& cloud, double phi,
                      gaussians::ViewRenderer& renderer) {
  const Camera camera = orbit_camera(state.camera[0], phi, state.camera[2], state.fovy, state.size, state.size);
  const gaussians::RenderedView view = train::plain_view(cloud, camera, renderer);
  return state.depth ? asset::depth_image(view.depth, view.alpha) : view.rgb;  // [3,H,W]
}

/// Assets in rows of `columns`, each with the azimuths spread evenly over the circle.
void write_sheet(const RenderState& state, gaussians::ViewRenderer& renderer) {
  std::vector<std::vector<torch::Tensor>> rows;
  for (const std::string& asset : state.assets) {
    const gaussians::Cloud cloud = asset::read_ply(asset);
    if (rows.empty() || static_cast<int64_t>(rows.back().size()) == state.columns * state.sheet) rows.emplace_back();
    std::vector<torch::Tensor>& row = rows.back();
    for (int64_t i = 0; i < state.sheet; ++i) {
      const double phi = state.camera[1] + 360.0 * static_cast<double>(i) / static_cast<double>(state.sheet);
      row.push_back(picture(state, cloud, phi, renderer));
    }
  }
  rows.back().resize(rows.front().size(), torch::ones_like(rows.front().front()));  // a short last row: white
  asset::write_png(state.output, asset::contact_sheet(rows));
  spdlog::info("wrote {}: {} assets, {} views of each", state.output, state.assets.size(), state.sheet);
}

int run(const RenderState& state) {
  check(state);
  app::set_threads(state.threads);
  gaussians::ViewRenderer renderer;
  if (state.sheet > 0) {
    write_sheet(state, renderer);
    return 0;
  }
  const gaussians::Cloud cloud = asset::read_ply(state.assets.front());
  if (state.bench > 0) {
    bench(state, cloud, renderer);
    return 0;
  }
  if (state.turntable) {
    train::TrainOptions options;
    options.views.width = options.views.height = state.size;
    options.views.default_polar = state.camera[0];
    options.views.default_azimuth = state.camera[1];
    options.views.default_radius = state.camera[2];
    options.views.default_fovy = state.fovy;
    options.turntable_frames = state.frames;
    const std::filesystem::path folder = state.output == "render.png" ? "." : state.output;
    train::write_turntables(folder, cloud, options, renderer);
    spdlog::info("wrote {}", (folder / "turntable_rgb.mp4").string());
    return 0;
  }
  asset::write_png(state.output, picture(state, cloud, state.camera[1], renderer));
  spdlog::info("wrote {}: {} Gaussians, {}x{}", state.output, cloud.count(), state.size, state.size);
  return 0;
}

}  // namespace

Command add_render(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("render", "render a Gaussian PLY to a picture, a contact sheet or a turntable film");
  auto state = std::make_shared<RenderState>();
  command->add_option("asset", state->assets, "3D Gaussian Splatting PLY; several with --sheet")
      ->required()
      ->type_name("FILE");
  command->add_option("--output,-o", state->output, "PNG to write, or the folder of the films")
      ->capture_default_str()
      ->type_name("PATH");
  command->add_option("--camera", state->camera, "polar angle from +z and azimuth (degrees, 0 = front), distance")
      ->expected(3)
      ->type_name("THETA PHI RADIUS")
      ->capture_default_str();
  command->add_option("--fovy", state->fovy, "field of view, radians")->capture_default_str();
  command->add_option("--size", state->size, "pixels")->capture_default_str();
  command->add_flag("--turntable", state->turntable, "films around the object, colour and depth, level and from above");
  command->add_flag("--depth", state->depth, "depth in place of colour");
  command->add_option("--sheet", state->sheet, "one picture of N azimuths side by side, a row an asset")
      ->type_name("N");
  command->add_option("--columns", state->columns, "assets side by side in a row of --sheet")->capture_default_str();
  command->add_option("--frames", state->frames, "frames of a film")->capture_default_str();
  command->add_option("--threads", state->threads, "CPU threads; 0 = all cores")->capture_default_str();
  command->add_option("--bench", state->bench, "render this many frames, write nothing, print the rate")
      ->type_name("N")
      ->expected(0, 1)
      ->default_str("200");
  return {.app = command, .run = [state](const std::atomic<bool>&) { return run(*state); }};
}

}  // namespace lucid::cli
