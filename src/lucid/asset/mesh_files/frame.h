// SPDX-License-Identifier: Apache-2.0
// Axes and scale of mesh files.
#pragma once

#include <string>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::mesh_files {

/// glTF and most OBJ files have y up and the front at +z; lucid has z up and the front at +y. Both are right-handed.
inline mesh::Point gltf_from_lucid(const mesh::Point& p) { return {-p.x, p.z, p.y}; }
inline mesh::Point lucid_from_gltf(const mesh::Point& p) { return {-p.x, p.z, p.y}; }

/// The factor that gives the mesh a longest side of `size`; 1 if size is 0 or the mesh is a single point.
double scale_to(const mesh::TriangleMesh& mesh, double size);
/// Multiplies in double, and rounds once.
mesh::Point scaled(const mesh::Point& p, double scale);

/// Checks what every writer relies on: triangles, finite positions, indices and array lengths.
void check_mesh(const mesh::TriangleMesh& mesh);

/// The title as one line of valid UTF-8.
std::string one_line_title(const std::string& title);

}  // namespace lucid::asset::mesh_files
