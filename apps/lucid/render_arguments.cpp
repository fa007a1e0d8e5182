// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid render`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "command_line.h"
#include "lucid/asset/pictures/animation_format.h"
#include "refuse.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

using asset::Channel;

constexpr int kMostSide = 8192;  // pixels

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// A whole number that is the whole text.
std::optional<int> number(const std::string& text, int base = 10) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void read_size(RenderRequest& request, const std::string& text) {
  const std::vector<std::string> sides = split(text, 'x');
  const auto width = number(sides.front()), height = number(sides.back());
  const auto fits = [](const std::optional<int>& side) { return side && *side >= 1 && *side <= kMostSide; };
  if (sides.size() > 2 || !fits(width) || !fits(height))
    refuse("--size", fmt::format("'{}' is not N or WxH in [1, {}] pixels", text, kMostSide));
  request.width = *width;
  request.height = *height;
}

void read_channels(RenderRequest& request, const std::string& text) {
  request.channels.clear();
  for (const std::string& name : split(text, ',')) {
    const auto row = std::ranges::find(asset::kChannels, name, &asset::ChannelRow::name);
    if (row == asset::kChannels.end()) {
      std::vector<std::string_view> names;
      for (const asset::ChannelRow& known : asset::kChannels) names.push_back(known.name);
      refuse("--channels", fmt::format("no channel '{}'; there are {}", name, fmt::join(names, ", ")));
    }
    request.channels.push_back(row->channel);
  }
}

void read_background(RenderRequest& request, const std::string& text) {
  if (text == "transparent") {
    request.background = {.transparent = true};
  } else if (text == "white" || text == "black") {
    const float value = text == "white" ? 1 : 0;
    request.background = {.rgb = {value, value, value}};
  } else {
    const auto value = text.size() == 7 && text[0] == '#' ? number(text.substr(1), 16) : std::nullopt;
    if (!value || *value < 0)
      refuse("--background", fmt::format("'{}' is not white, black, transparent or #rrggbb", text));
    const auto part = [&](int shift) { return static_cast<float>(*value >> shift & 255) / 255; };
    request.background = {.rgb = {part(16), part(8), part(0)}};
  }
}

void check_camera(const RenderRequest& request) {
  constexpr double kMaxDistance = 1e6, kMostTurns = 1000;
  const auto check_polar = [](const char* flag, double theta) {
    if (!(theta >= 0 && theta <= 180)) refuse(flag, fmt::format("theta {} is not in [0, 180] degrees", theta));
  };
  if (!std::isfinite(request.camera[1])) refuse("--camera", "the azimuth is not a number");
  check_polar("--camera", request.camera[0]);
  for (const double theta : request.polar) check_polar("--polar", theta);
  for (const double phi : request.orbit) {
    if (!(std::abs(phi) <= 360 * kMostTurns))
      refuse("--orbit", fmt::format("azimuth {} is not within {} turns", phi, kMostTurns));
  }
  if (!(request.camera[2] > 0 && request.camera[2] < kMaxDistance))
    refuse("--camera", fmt::format("radius {} is not in (0, 1e6)", request.camera[2]));
  for (const double x : request.target) {
    if (!(std::abs(x) < kMaxDistance)) refuse("--target", fmt::format("{} is not in (-1e6, 1e6)", x));
  }
  if (!(request.fovy >= 0.01 && request.fovy <= 3))
    refuse("--fovy", fmt::format("{} is not in [0.01, 3] radians", request.fovy));
}

void check_numbers(const RenderRequest& request) {
  if (request.supersample < 1 || request.supersample > 16)
    refuse("--supersample", fmt::format("{} is not in [1, 16]", request.supersample));
  if (request.frames < 1 || request.frames > 100000)
    refuse("--frames", fmt::format("{} is not in [1, 100000]", request.frames));
  if (request.sheet < 0 || request.sheet > 64) refuse("--sheet", fmt::format("{} is not in [0, 64]", request.sheet));
  if (request.columns < 1 || request.columns > 64)
    refuse("--columns", fmt::format("{} is not in [1, 64]", request.columns));
}

/// Which flags go together.
void check_kind(const CLI::App& command, const RenderRequest& request) {
  const asset::AnimationRow* animation = asset::animation_of(request.output);
  const std::string extension = asset::lower_extension(request.output);
  const bool moves = animation != nullptr || request.turntable;
  if (request.assets.size() > 1 && request.sheet == 0)
    refuse(request.assets[1], "several assets need --sheet, which gives each a row");
  if (request.captions && request.sheet == 0) refuse("--captions", "only a --sheet has captions");
  if (request.captions && !request.captions->empty() && request.captions->size() != request.assets.size()) {
    refuse("--captions", fmt::format("{} captions for {} assets", request.captions->size(), request.assets.size()),
           "one for each asset, or none for the names of the files");
  }
  if (request.sheet > 0 && moves) refuse("--sheet", "is one picture, not an animation", "-o FILE.png");
  if (!moves && !request.turntable && !extension.empty() && extension != ".png") {
    refuse("--output", fmt::format("no picture or animation has the extension '{}'", extension),
           "a .png, .mp4, .webm, .gif or .webp");
  }
  for (const char* flag : {"--orbit", "--polar", "--fps"}) {
    if (command.count(flag) > 0 && !moves)
      refuse(flag, "only an animation has it", "-o FILE.mp4, .webm, .gif or .webp, or --turntable");
  }
  if (animation != nullptr) {
    if (request.fps < 1 || request.fps > animation->most_fps)
      refuse("--fps", fmt::format("{} is not in [1, {}] in a {}", request.fps, animation->most_fps, extension));
    if (request.background.transparent && !animation->transparent)
      refuse("--background", fmt::format("a {} has no transparent pixels", extension), "a .webm, .webp or .gif has");
  } else if (request.turntable) {
    if (request.fps < 1 || request.fps > 1000) refuse("--fps", fmt::format("{} is not in [1, 1000]", request.fps));
    for (const char* flag : {"--channels", "--depth", "--polar"}) {
      if (command.count(flag) > 0)
        refuse(flag, "--turntable writes colour and depth, level and from above", "-o FILE.mp4 for one video");
    }
    if (request.background.transparent)
      refuse("--background", "an MP4 has no transparent pixels", "-o FILE.webm, .webp or .gif");
  }
}

void define_picture(CLI::App& command, RenderRequest& request) {
  command
      .add_option_function<std::string>(
          "--size", [&request](const std::string& text) { read_size(request, text); },
          "Width and height, in pixels: N or WxH.")
      ->default_str("512")
      ->type_name("SIZE")
      ->group("Picture");
  CLI::Option* channels = command
                              .add_option_function<std::string>(
                                  "--channels", [&request](const std::string& text) { read_channels(request, text); },
                                  "What to show, side by side: rgb, depth, normals and alpha, separated by commas.")
                              ->default_str("rgb")
                              ->type_name("LIST")
                              ->group("Picture");
  command
      .add_flag_callback(
          "--depth", [&request] { request.channels = {Channel::kDepth}; }, "Short for --channels depth.")
      ->excludes(channels)
      ->group("Picture");
  command
      .add_option_function<std::string>(
          "--background", [&request](const std::string& text) { read_background(request, text); },
          "white, black, #rrggbb, or transparent (.png, .webm, .gif, .webp).")
      ->default_str("white")
      ->type_name("COLOUR")
      ->group("Picture");
  command
      .add_option("--supersample", request.supersample, "Render at N times the size and average, for smooth outlines.")
      ->capture_default_str()
      ->type_name("N")
      ->group("Picture");
}

void define_view(CLI::App& command, RenderRequest& request) {
  command
      .add_option("--camera", request.camera,
                  "Polar angle from above and azimuth (degrees, 0 is the front), then the distance.")
      ->expected(3)
      ->type_name("THETA PHI RADIUS")
      ->default_str("90 0 3.5")
      ->group("View");
  command.add_option("--target", request.target, "Point that the camera looks at and moves around, in world units.")
      ->expected(3)
      ->type_name("X Y Z")
      ->default_str("0 0 0")
      ->group("View");
  command.add_option("--fovy", request.fovy, "Vertical field of view, in radians.")
      ->capture_default_str()
      ->type_name("X")
      ->group("View");
  command
      .add_flag("--fit", request.fit,
                "Move and scale the asset so that it fills the picture; for files from other programs.")
      ->group("View");
  add_axes(command, "--axes", request.axes, "Axes of the file, where not those of its format: lucid, y-up or y-down.")
      ->group("View");
}

void define_animation(CLI::App& command, RenderRequest& request) {
  command
      .add_flag("--turntable", request.turntable,
                "Write MP4s to the folder -o: colour and depth, level and from above.")
      ->group("Animation");
  command.add_option("--frames", request.frames, "Frames of an animation.")
      ->capture_default_str()
      ->type_name("N")
      ->group("Animation");
  command.add_option("--fps", request.fps, "Frames a second; at most 50 in a GIF.")
      ->capture_default_str()
      ->type_name("N")
      ->group("Animation");
  command
      .add_option("--orbit", request.orbit,
                  "Azimuths of the first and the last frame, in degrees; 0 720 is two turns. One turn if not given.")
      ->expected(2)
      ->type_name("PHI0 PHI1")
      ->group("Animation");
  command
      .add_option("--polar", request.polar,
                  "Polar angle of the orbit, in degrees; with two the camera swings from the first to the second and "
                  "back. That of --camera if not given.")
      ->expected(1, 2)
      ->type_name("THETA [THETA1]")
      ->group("Animation");
}

void define_sheet(CLI::App& command, RenderRequest& request) {
  command.add_option("--sheet", request.sheet, "Put N azimuths side by side in one picture; each asset is a row.")
      ->type_name("N")
      ->group("Contact sheet");
  command.add_option("--columns", request.columns, "Assets side by side in a row of --sheet.")
      ->capture_default_str()
      ->type_name("N")
      ->group("Contact sheet");
  command
      .add_option_function<std::vector<std::string>>(
          "--captions",
          [&request](const std::vector<std::string>& texts) {
            request.captions = texts;
            std::erase(*request.captions, "");
          },
          "A text under each asset of --sheet; without texts the names of the files. Write it last.")
      ->expected(0, 4096)
      ->type_name("[TEXT...]")
      ->group("Contact sheet");
}

}  // namespace

Command define_render(CLI::App& app, RenderRequest& request) {
  CLI::App* command =
      app.add_subcommand("render", "Render a file of Gaussians to a picture, a contact sheet or an animation.");
  command->add_option("asset", request.assets, "PLY, SPZ, .splat or splat GLB; several with --sheet.")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--output,-o", request.output,
                   "File to write: .png is a picture, .mp4, .webm, .gif and .webp are turntables.")
      ->capture_default_str()
      ->type_name("PATH");
  add_threads(*command, request.threads);
  command->add_option("--bench", request.bench, "Render N frames, write nothing and print the frame rate.")
      ->type_name("N")
      ->expected(0, 1)
      ->default_str("200");
  add_progress(*command, request.progress);
  define_picture(*command, request);
  define_view(*command, request);
  define_animation(*command, request);
  define_sheet(*command, request);
  command->footer(
      "Examples:\n"
      "  lucid render a.ply -o a.png --background transparent --supersample 2\n"
      "  lucid render a.ply -o a.mp4 --channels rgb,depth,normals\n"
      "  lucid render a.ply -o a.gif --frames 60 --fps 20 --polar 60 100\n"
      "  lucid render a.ply b.ply --sheet 4 -o sheet.png --captions");
  return {.app = command, .check = [&request, command] {
            check_camera(request);
            check_numbers(request);
            check_kind(*command, request);
          }};
}

}  // namespace lucid::cli
