// SPDX-License-Identifier: Apache-2.0
// Writer of PLY meshes with vertex colours.
#include "lucid/asset/mesh_files/frame.h"
#include "lucid/asset/mesh_files/little_endian.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/vertex_colours.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace mesh_files {
namespace {

std::string mesh_ply_header(const mesh::TriangleMesh& mesh) {
  std::string text = fmt::format("ply\nformat binary_little_endian 1.0\nelement vertex {}\n", mesh.positions.size());
  for (const char* name : {"x", "y", "z"}) text += fmt::format("property float {}\n", name);
  if (!mesh.normals.empty()) {
    for (const char* name : {"nx", "ny", "nz"}) text += fmt::format("property float {}\n", name);
  }
  if (!mesh.colours.empty()) {
    for (const char* name : {"red", "green", "blue"}) text += fmt::format("property uchar {}\n", name);
  }
  // Signed indices, because some readers know no others.
  return text +
         fmt::format("element face {}\nproperty list uchar int vertex_indices\nend_header\n", mesh.triangles.size());
}

}  // namespace
}  // namespace mesh_files

void write_mesh_ply(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const MeshFileOptions&) {
  mesh_files::check_mesh(mesh);
  const mesh::TriangleMesh plain = mesh_files::welded(mesh);
  std::string bytes = mesh_files::mesh_ply_header(plain);
  for (size_t v = 0; v < plain.positions.size(); ++v) {
    mesh_files::append_point(bytes, plain.positions[v]);
    if (!plain.normals.empty()) mesh_files::append_point(bytes, plain.normals[v]);
    if (!plain.colours.empty()) {
      for (const uint8_t value : plain.colours[v]) mesh_files::append_bytes(bytes, value);
    }
  }
  for (const mesh::Triangle& t : plain.triangles) {
    mesh_files::append_bytes(bytes, uint8_t{3});
    for (const uint32_t v : t) mesh_files::append_bytes(bytes, static_cast<int32_t>(v));
  }
  write_file(file, bytes);
}

}  // namespace lucid::asset
