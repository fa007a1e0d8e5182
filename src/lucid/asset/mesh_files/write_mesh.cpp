// SPDX-License-Identifier: Apache-2.0
// Chooses the writer of a mesh format.
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/base/error.h"

namespace lucid::asset {

void write_mesh(Format format, const std::filesystem::path& file, const mesh::TriangleMesh& mesh,
                const MeshFileOptions& options) {
  switch (format) {
    case Format::kGlb:
      return write_glb(file, mesh, options);
    case Format::kObj:
      return write_obj(file, mesh, options);
    case Format::kStl:
      return write_stl(file, mesh, options);
    case Format::kMeshPly:
      return write_mesh_ply(file, mesh, options);
    default:
      LUCID_CHECK(false, "format {} holds no mesh", static_cast<int>(format));
  }
}

}  // namespace lucid::asset
