// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid render`.
#include <fmt/format.h>

#include <cmath>

#include "command_line.h"
#include "lucid/base/error.h"

namespace lucid::cli {
namespace {

void check(const RenderRequest& request) {
  constexpr double kMaxDistance = 1e6;
  const auto refuse = [](const char* flag, const std::string& what) {
    throw UserError({.what_happened = what, .key = flag});
  };
  if (!std::isfinite(request.camera[1])) refuse("--camera", "the azimuth is not a number");
  if (!(request.camera[0] >= 0 && request.camera[0] <= 180))
    refuse("--camera", fmt::format("theta {} is not in [0, 180] degrees", request.camera[0]));
  if (!(request.camera[2] > 0 && request.camera[2] < kMaxDistance))
    refuse("--camera", fmt::format("radius {} is not in (0, 1e6)", request.camera[2]));
  if (!(request.fovy >= 0.01 && request.fovy <= 3))
    refuse("--fovy", fmt::format("{} is not in [0.01, 3] radians", request.fovy));
  if (request.size < 1 || request.size > 8192)
    refuse("--size", fmt::format("{} is not in [1, 8192] pixels", request.size));
  if (request.frames < 1 || request.frames > 100000)
    refuse("--frames", fmt::format("{} is not in [1, 100000]", request.frames));
  if (request.sheet < 0 || request.sheet > 64) refuse("--sheet", fmt::format("{} is not in [0, 64]", request.sheet));
  if (request.columns < 1 || request.columns > 64)
    refuse("--columns", fmt::format("{} is not in [1, 64]", request.columns));
  if (request.assets.size() > 1 && request.sheet == 0)
    throw UserError({.what_happened = "several assets need --sheet, which gives each a row", .key = request.assets[1]});
}

}  // namespace

Command define_render(CLI::App& app, RenderRequest& request) {
  CLI::App* command = app.add_subcommand("render", "Render a Gaussian PLY to a picture, a contact sheet or videos.");
  command->add_option("asset", request.assets, "3D Gaussian Splatting PLY; several with --sheet.")
      ->required()
      ->type_name("FILE");
  command->add_option("--output,-o", request.output, "PNG file to write, or the folder of the videos.")
      ->capture_default_str()
      ->type_name("PATH");
  command
      ->add_option("--camera", request.camera,
                   "Polar angle from above and azimuth (degrees, 0 is the front), then the distance.")
      ->expected(3)
      ->type_name("THETA PHI RADIUS")
      ->default_str("90 0 3.5");
  command->add_option("--fovy", request.fovy, "Vertical field of view, in radians.")
      ->capture_default_str()
      ->type_name("X");
  command->add_option("--size", request.size, "Width and height, in pixels.")->capture_default_str()->type_name("N");
  command->add_flag("--turntable", request.turntable,
                    "Write videos around the object: colour and depth, level and from above.");
  command->add_flag("--depth", request.depth, "Show the depth in place of the colours.");
  command->add_option("--sheet", request.sheet, "Put N azimuths side by side in one picture; each asset is a row.")
      ->type_name("N");
  command->add_option("--columns", request.columns, "Assets side by side in a row of --sheet.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--frames", request.frames, "Frames of a video.")->capture_default_str()->type_name("N");
  command->add_option("--threads", request.threads, "CPU threads; 0 uses all cores.")
      ->capture_default_str()
      ->type_name("N");
  command->add_option("--bench", request.bench, "Render N frames, write nothing and print the frame rate.")
      ->type_name("N")
      ->expected(0, 1)
      ->default_str("200");
  return {.app = command, .check = [&request] { check(request); }};
}

}  // namespace lucid::cli
