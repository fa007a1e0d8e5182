// SPDX-License-Identifier: Apache-2.0
// Vertices at equal positions as one: the surface without the cuts that texture coordinates make.
#pragma once

#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

/// For each vertex, the number of its position; positions are numbered from 0 without gaps. [V]
std::vector<uint32_t> weld(const std::vector<Point>& positions);

}  // namespace lucid::mesh
