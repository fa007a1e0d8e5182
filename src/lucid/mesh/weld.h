// SPDX-License-Identifier: Apache-2.0
// Vertices at equal positions as one: the surface without the cuts that texture coordinates make.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

/// The different positions of V vertices, numbered from 0 in the order of their first vertex. 0 and -0 are equal.
struct Welding {
  std::vector<uint32_t> position_of;  // [V] number of each vertex's position
  std::vector<uint32_t> vertex_of;    // [P] the first vertex at each position
};
Welding weld(const std::vector<Point>& positions);

/// The triangles with the numbers of their corners' positions. Those with two equal corners are dropped.
std::vector<Triangle> welded_triangles(const std::vector<Triangle>& triangles, const Welding& welding);

}  // namespace lucid::mesh
