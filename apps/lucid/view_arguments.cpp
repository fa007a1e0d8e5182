// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid view`.
#include <fmt/format.h>

#include <filesystem>

#include "command_line.h"
#include "lucid/base/error.h"
#include "refuse.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

constexpr size_t kMostFiles = 6;  // that the page shows side by side

void check(const CLI::App& command, const ViewRequest& request) {
  if (request.html.empty()) {
    if (request.assets.size() > kMostFiles)
      refuse("asset", fmt::format("{} files are given", request.assets.size()),
             fmt::format("the page shows up to {} side by side", kMostFiles));
    if (!request.title.empty()) refuse("--title", "belongs to --html", "the page shows the names of the files");
    return;
  }
  if (request.assets.size() > 1) refuse("--html", "holds one asset", "leave --html out to see several side by side");
  for (const char* flag : {"--port", "--listen", "--host"}) {
    if (command.count(flag) > 0) refuse(flag, "has no meaning with --html", "which writes a file and serves nothing");
  }
  std::error_code none;
  if (std::filesystem::equivalent(request.html, request.assets.front(), none)) {
    throw UserError({.what_happened = "is the asset as well", .file = request.html, .hint = "name another file"});
  }
}

}  // namespace

Command define_view(CLI::App& app, ViewRequest& request) {
  CLI::App* command = app.add_subcommand("view", "Look at assets in a browser, or write one as an HTML file.");
  command
      ->add_option("asset", request.assets,
                   "Gaussians (PLY, .spz, .splat, .glb) or meshes (.glb, .obj, .stl, .ply); several are shown side by "
                   "side.")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--html", request.html,
                   "Write one HTML file with a viewer inside. Any browser opens it, from disk as well.")
      ->type_name("FILE");
  command->add_option("--title", request.title, "With --html: text above the picture; otherwise the input's name.")
      ->type_name("TEXT");
  add_axes(*command, "--input-axes", request.input_axes, "Axes of the Gaussians, where they are not their format's.");
  add_page_options(*command, request.page);
  return {.app = command, .check = [command, &request] { check(*command, request); }};
}

}  // namespace lucid::cli
