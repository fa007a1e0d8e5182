// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid view`.
#include <filesystem>

#include "command_line.h"
#include "lucid/base/error.h"

namespace lucid::cli {
namespace {

void check(const ViewRequest& request) {
  std::error_code none;
  if (std::filesystem::equivalent(request.html, request.asset, none)) {
    throw UserError({.what_happened = "is the asset as well", .file = request.html, .hint = "name another file"});
  }
}

}  // namespace

Command define_view(CLI::App& app, ViewRequest& request) {
  CLI::App* command = app.add_subcommand("view", "Write an asset as one HTML file with a viewer inside.");
  command->add_option("asset", request.asset, "Gaussians (PLY, .spz, .splat, .glb) or a mesh (.glb, .obj, .stl, .ply).")
      ->required()
      ->type_name("FILE");
  command->add_option("--html", request.html, "File to write. Any browser opens it, from disk as well.")
      ->required()
      ->type_name("FILE");
  command->add_option("--title", request.title, "Text above the picture; otherwise the input's name.")
      ->type_name("TEXT");
  command->add_option("--input-axes", request.input_axes, "Axes of the Gaussians, where they are not their format's.")
      ->check(CLI::IsMember(std::vector<std::string>(asset::kAxesNames.begin(), asset::kAxesNames.end())));
  return {.app = command, .check = [&request] { check(request); }};
}

}  // namespace lucid::cli
