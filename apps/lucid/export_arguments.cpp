// SPDX-License-Identifier: Apache-2.0
// Command line of `lucid export`.
#include <fmt/format.h>

#include "command_line.h"
#include "lucid/base/error.h"
#include "shared_options.h"

namespace lucid::cli {
namespace {

constexpr const char* kMesh = "Meshes";
constexpr const char* kGaussians = "Gaussians";

HelpPage page(const CLI::App& command) {
  HelpPage page = page_of(command);
  HelpSection formats{.heading = "Formats", .rows = {}};
  for (const asset::FormatRow& row : asset::kFormats) {
    formats.rows.push_back({fmt::format("{} {}", row.name, row.extension), fmt::format("{}.", row.about)});
  }
  page.sections.push_back(std::move(formats));
  page.footer =
      "The extension chooses the format, or else a name:\n\n"
      "  lucid export chair.ply chair.glb chair.spz\n"
      "  lucid export scan.spz splat-ply:scan.ply\n";
  return page;
}

void check(ExportRequest& request) {
  app::check_export(request.options);
  for (const std::string& text : request.outputs) request.targets.push_back(app::parse_target(text));
  for (const app::ExportTarget& target : request.targets) {
    if (target.file == request.asset) {
      throw UserError({.what_happened = "is the input as well", .file = request.asset, .hint = "name another file"});
    }
  }
}

}  // namespace

Command define_export(CLI::App& app, ExportRequest& request) {
  app::ExportOptions& o = request.options;
  CLI::App* command = app.add_subcommand("export", "Write an asset as a mesh, or as Gaussians in another format.");
  command->add_option("asset", request.asset, "Gaussians: 3D Gaussian Splatting PLY, .spz, .splat or .glb.")
      ->required()
      ->type_name("FILE");
  command->add_option("outputs", request.outputs, "Files to write: FILE, or NAME:FILE with a format's name.")
      ->required()
      ->expected(1, 64)
      ->type_name("OUTPUT");
  const auto number = [&](const char* flag, auto& field, const char* help, const char* group) {
    command->add_option(flag, field, help)->capture_default_str()->type_name("N")->group(group);
  };
  number("--faces", o.faces, "Triangles, at most.", kMesh);
  number("--texture-size", o.texture_size, "Width and height of the texture, in pixels.", kMesh);
  command->add_flag("--vertex-colours", o.vertex_colours, "Colour the vertices, without a texture.")->group(kMesh);
  command->add_flag("--watertight", o.watertight, "Closed and manifold, as 3D printing and physics need.")
      ->group(kMesh);
  command->add_option("--size", o.size, "Longest side in metres; otherwise 1, and 0.1 in an STL file.")
      ->type_name("METRES")
      ->group(kMesh);
  command
      ->add_flag("--lit", o.lit,
                 "Let viewers shade a .glb file. Otherwise they show its colours as they are, which "
                 "hold the light already.")
      ->group(kMesh);
  command->add_option("--resolution", o.resolution, "Grid cells along the longest side; 0 is automatic.")
      ->type_name("N")
      ->group(kMesh);
  add_axes(
      *command, "--axes", o.axes,
      "Axes of the Gaussians' files: lucid, y-up or y-down; otherwise .ply lucid, .glb y-up, .spz and .splat y-down, "
      "which viewers show upright.")
      ->group(kGaussians);
  add_axes(*command, "--input-axes", o.input_axes, "Axes of the input, where they are not its format's.")
      ->group(kGaussians);
  command->add_flag("--compact", o.compact, "Leave out Gaussians that no view sees, and report size and PSNR.")
      ->group(kGaussians);
  command->add_flag("--sh3", o.pad_to_sh3, "Pad a PLY with zeros to SH degree 3, which some viewers require.")
      ->group(kGaussians);
  command->add_flag("--big-endian", o.big_endian, "Write a big-endian PLY.")->group(kGaussians);
  number("--spz-version", o.spz_version, "3, which every viewer reads, or 4, which is smaller.", kGaussians);
  command->add_option("--box", o.box, "Use only Gaussians with centres in this box, in world units.")
      ->expected(6)
      ->type_name("X0 Y0 Z0 X1 Y1 Z1");
  command->add_flag("--clean", o.clean, "Leave out haze and floaters around the object.");
  command->add_option("--title", request.title, "Text to store in .glb and .obj files; otherwise the input's name.")
      ->type_name("TEXT");
  add_threads(*command, request.threads);
  add_progress(*command, request.progress);
  return {.app = command,
          .check = [&request] { check(request); },
          .page = [command](bool) { return page(*command); },
          .hides_options = false};
}

}  // namespace lucid::cli
