// SPDX-License-Identifier: Apache-2.0
// The readers of single mesh formats: bytes of a whole file to a mesh in the file's axes. All throw UserError.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::mesh_files {

mesh::TriangleMesh read_glb(const std::filesystem::path& file, std::string_view bytes);
/// Materials and textures are looked for in the file's folder and below; missing ones are ignored.
mesh::TriangleMesh read_obj(const std::filesystem::path& file, std::string_view bytes);
/// The same two. What is ignored is added to `warnings`, a sentence each.
mesh::TriangleMesh read_glb(const std::filesystem::path& file, std::string_view bytes,
                            std::vector<std::string>& warnings);
mesh::TriangleMesh read_obj(const std::filesystem::path& file, std::string_view bytes,
                            std::vector<std::string>& warnings);
/// Binary or text. Corners at equal positions become one vertex.
mesh::TriangleMesh read_stl(const std::filesystem::path& file, std::string_view bytes);
/// Text or binary. Polygons are split into triangles; texture coordinates are ignored.
mesh::TriangleMesh read_mesh_ply(const std::filesystem::path& file, std::string_view bytes);

}  // namespace lucid::asset::mesh_files
