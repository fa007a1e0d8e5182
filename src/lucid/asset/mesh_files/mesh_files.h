// SPDX-License-Identifier: Apache-2.0
// Mesh files: binary glTF, OBJ, STL and PLY, written and read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lucid/asset/formats.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset {

struct MeshFileOptions {
  double size = 1;          // metres of the longest side in glTF and OBJ; 0 keeps world units
  double print_size = 100;  // millimetres of the longest side in STL; 0 keeps world units
  bool lit = false;         // glTF: viewers shade the mesh; otherwise they show its colours as they are
  std::string title = {};   // what the mesh shows, e.g. the prompt; stored in glTF and OBJ
};

/// Binary glTF 2.0 with one mesh: y up, the front at +z, so lucid's (x, y, z) becomes (-x, z, y). The texture is
/// embedded as a PNG; vertex colours become linear. A mesh with colours gets KHR_materials_unlit unless `lit` is set.
/// Open meshes are double-sided. asset.extras has the title and the scale (file units a world unit).
/// All writers write atomically, and throw UserError if a file cannot be written.
void write_glb(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const MeshFileOptions& options = {});
/// The bytes that write_glb() writes. `file` is named in errors only.
std::string glb_bytes(const std::filesystem::path& file, const mesh::TriangleMesh& mesh,
                      const MeshFileOptions& options = {});

/// OBJ in the axes and units of write_glb. A texture goes to NAME_texture.png and its material to NAME.mtl in the same
/// folder, where NAME is the file's name in which what an MTL cannot hold (spaces) is replaced by "_". Vertex colours
/// are written as x y z r g b (display values).
void write_obj(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const MeshFileOptions& options = {});

/// Binary STL for 3D printing: lucid's axes (z up), millimetres, no colours.
void write_stl(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const MeshFileOptions& options = {});

/// Binary little-endian PLY in lucid's axes and world units. Vertices at equal positions become one. A texture becomes
/// vertex colours: its values at the vertices.
void write_mesh_ply(const std::filesystem::path& file, const mesh::TriangleMesh& mesh,
                    const MeshFileOptions& options = {});

/// Writes one of the formats that hold a mesh.
void write_mesh(Format format, const std::filesystem::path& file, const mesh::TriangleMesh& mesh,
                const MeshFileOptions& options = {});

struct MeshReadOptions {
  bool file_axes = false;  // keep the axes of .glb and .obj files, which are otherwise taken as y up, front +z
  std::vector<std::string>* warnings = nullptr;  // gets a sentence for each texture or material file that is left out
};

/// Reads the triangles of a .glb, .obj, .stl or .ply of any program, in the file's units. All meshes of a glTF scene
/// become one, with the nodes' transforms applied. A file with one texture keeps it; with several materials it gets
/// vertex colours instead. Normals are left empty. STL and PLY files are taken as z up.
/// Throws UserError: unreadable or damaged file, no triangles, a glTF that needs other files or an unknown extension.
mesh::TriangleMesh read_mesh(const std::filesystem::path& file, const MeshReadOptions& options = {});

}  // namespace lucid::asset
