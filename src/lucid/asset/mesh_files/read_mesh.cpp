// SPDX-License-Identifier: Apache-2.0
// Chooses the reader of a mesh file by its extension, and turns the mesh to lucid's axes.
#include <string>

#include "lucid/asset/mesh_files/frame.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {

mesh::TriangleMesh read_mesh(const std::filesystem::path& file, const MeshReadOptions& options) {
  const std::string extension = lower_extension(file);
  const bool y_up = extension == ".glb" || extension == ".obj";
  if (!y_up && extension != ".stl" && extension != ".ply") {
    throw UserError(
        {.what_happened = fmt::format("\"{}\" is not the extension of a mesh file that lucid reads", extension),
         .file = file.string(),
         .hint = "lucid reads .glb, .obj, .stl and .ply"});
  }
  const std::string bytes = read_file(file);
  std::vector<std::string> unused;
  std::vector<std::string>& warnings = options.warnings != nullptr ? *options.warnings : unused;
  mesh::TriangleMesh mesh = extension == ".glb"   ? mesh_files::read_glb(file, bytes, warnings)
                            : extension == ".obj" ? mesh_files::read_obj(file, bytes, warnings)
                            : extension == ".stl" ? mesh_files::read_stl(file, bytes)
                                                  : mesh_files::read_mesh_ply(file, bytes);
  if (y_up && !options.file_axes) {
    for (mesh::Point& p : mesh.positions) p = mesh_files::lucid_from_gltf(p);
  }
  return mesh;
}

}  // namespace lucid::asset
