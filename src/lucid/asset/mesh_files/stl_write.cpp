// SPDX-License-Identifier: Apache-2.0
// Writer of binary STL files.

#include "lucid/asset/mesh_files/frame.h"
#include "lucid/asset/mesh_files/little_endian.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/base/atomic_file.h"

namespace lucid::asset {

void write_stl(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const MeshFileOptions& options) {
  mesh_files::check_mesh(mesh);
  constexpr size_t kHeader = 80, kFacet = 50;  // bytes
  const double scale = mesh_files::scale_to(mesh, options.print_size);
  std::string bytes = "lucid, binary STL, z up, millimetres";  // not "solid", which begins an ASCII STL
  bytes.resize(kHeader, ' ');
  bytes.reserve(kHeader + 4 + kFacet * mesh.triangles.size());
  mesh_files::append_bytes(bytes, static_cast<uint32_t>(mesh.triangles.size()));
  for (const mesh::Triangle& t : mesh.triangles) {
    mesh::Point corners[3];
    for (size_t k = 0; k < 3; ++k) corners[k] = mesh_files::scaled(mesh.positions[t[k]], scale);
    const mesh::Point across = cross(corners[1] - corners[0], corners[2] - corners[0]);
    float length = 0;
    const mesh::Point unit = normalized(across, &length);
    const mesh::Point normal = length > 0 ? unit : mesh::Point{};  // zero: the reader takes it from the corners
    for (const mesh::Point& p : {normal, corners[0], corners[1], corners[2]}) mesh_files::append_point(bytes, p);
    mesh_files::append_bytes(bytes, uint16_t{0});
  }
  write_file(file, bytes);
}

}  // namespace lucid::asset
