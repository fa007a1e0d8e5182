// SPDX-License-Identifier: Apache-2.0
// Clean-up of a surface: connected components that are too small to matter are dropped.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct ComponentCounts {
  int64_t all = 0, kept = 0;
};

/// Keeps a component if some camera sees it, and if it has 0.2 % of the mesh's area or 0.1 % of the mesh's pixels in
/// some view. Size alone would delete thin detached parts such as the links of a chain. Unused vertices are removed.
ComponentCounts drop_small_components(const std::vector<Camera>& cameras, TriangleMesh* mesh);

/// Drops the component with the fewest triangles unless it is the only one. Returns whether there was one to drop.
bool drop_smallest_component(TriangleMesh* mesh);

/// Removes the vertices that no triangle uses. The order of the others stays.
void remove_unused_vertices(TriangleMesh* mesh);

}  // namespace lucid::mesh
