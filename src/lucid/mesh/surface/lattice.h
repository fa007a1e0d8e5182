// SPDX-License-Identifier: Apache-2.0
// Lattice: where the samples of a scalar field lie.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

/// Samples on a regular grid. Sample (x, y, z) lies at origin + spacing * (x, y, z); x varies fastest in memory.
struct Lattice {
  std::array<int, 3> size{};  // samples along x, y and z
  Point origin;               // world units
  float spacing = 1;          // world units

  int64_t count() const { return int64_t{size[0]} * size[1] * size[2]; }
  int64_t index(int x, int y, int z) const { return (int64_t{z} * size[1] + y) * size[0] + x; }
  Point at(float x, float y, float z) const { return origin + spacing * Point{x, y, z}; }
};

/// One value for each sample of a lattice. [Z,Y,X]
using Field = std::vector<float>;

}  // namespace lucid::mesh
