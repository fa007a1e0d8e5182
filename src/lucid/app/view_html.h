// SPDX-License-Identifier: Apache-2.0
// One HTML file with the viewer and an asset inside, which opens from disk without a network. `make web` makes the
// template; this fills in the asset. What `lucid view --html` does.
#pragma once

#include <filesystem>
#include <string>

#include "lucid/gaussians/cloud.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::app {

/// An asset as the viewer reads it (`Scene` in web/src/html/main.ts).
struct ViewScene {
  std::string title;
  std::string kind;   // "spz": Gaussians in lucid's axes; "glb": a mesh, y up
  bool gzip = false;  // `data` is compressed; an SPZ file is so by itself
  std::string data;
};

/// The scenes of an asset. Errors name `file`; throws UserError.
ViewScene view_scene(const std::filesystem::path& file, const gaussians::Cloud& cloud, const std::string& title);
ViewScene view_scene(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const std::string& title);

/// The template with @@TITLE@@, @@SCENE@@ and @@DATA@@ filled in. Throws UserError, which names `file`, where one of
/// them does not stand in it once.
std::string view_html(const std::filesystem::path& file, const std::string& text, const ViewScene& scene);

/// Writes the file, atomically, with the template of web_folder(). Throws UserError.
void write_view_html(const std::filesystem::path& output, const ViewScene& scene);

}  // namespace lucid::app
