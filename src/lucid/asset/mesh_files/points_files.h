// SPDX-License-Identifier: Apache-2.0
// Files of points: positions with normals and colours where the file has them.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset {

struct Points {
  std::vector<mesh::Point> positions;  // [P] finite
  std::vector<mesh::Point> normals;    // [P] unit length, or zero where there is none; or empty
  std::vector<mesh::Colour> colours;   // [P] or empty
  int64_t left_out = 0;                // points of the file that are not finite
};

/// Whether a PLY has faces. Throws UserError if its header is damaged.
bool ply_has_faces(const std::filesystem::path& file, std::string_view bytes);

/// Reads the vertices of any PLY in the file's axes and units. Points that are not finite are left out, as scanners
/// write them for what they did not see. Throws UserError: unreadable or damaged file, no finite point.
Points read_points_ply(const std::filesystem::path& file, std::string_view bytes);

}  // namespace lucid::asset
