// SPDX-License-Identifier: Apache-2.0
// Makes a surface manifold where edge collapses have brought parts of it together.
#pragma once

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

/// Input: each edge is used equally often in both directions, as collapsing edges of a closed mesh leaves it. Output:
/// every edge belongs to two triangles with opposite directions, and every vertex to one fan of triangles; no two
/// vertices are at equal positions. Degenerate triangles and pairs of opposite triangles are removed, vertices and
/// edges where parts touch are duplicated, and the duplicates are moved by about `clearance` (world units) into the
/// solid. Only duplicated edges add triangles.
void make_manifold(float clearance, TriangleMesh* mesh);

/// Whether every edge belongs to two triangles with opposite directions, every vertex to one fan of triangles, and no
/// two vertices are at equal positions.
bool is_closed_manifold(const TriangleMesh& mesh);

}  // namespace lucid::mesh
