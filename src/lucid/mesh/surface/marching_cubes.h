// SPDX-License-Identifier: Apache-2.0
// Marching cubes (Lorensen and Cline 1987) with closed, manifold output: the surface where a field is 1.
#pragma once

#include "lucid/mesh/surface/lattice.h"

namespace lucid::mesh {

/// Samples with values >= 1 are inside; those on the lattice's border must be outside. Every edge of the result belongs
/// to two triangles with opposite directions, and every vertex to one fan of triangles. Triangles are counter-clockwise
/// seen from outside.
TriangleMesh marching_cubes(const Field& field, const Lattice& lattice);

}  // namespace lucid::mesh
