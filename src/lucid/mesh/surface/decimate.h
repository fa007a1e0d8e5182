// SPDX-License-Identifier: Apache-2.0
// Decimation of a closed surface by edge collapses of least quadric error (Garland and Heckbert 1997), with
// meshoptimizer.
#pragma once

#include <cstdint>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

/// Reduces a closed, manifold mesh to at most `faces` triangles, closed and manifold again (surface/repair.h).
/// `clearance` is the repair's. If there are too many components for `faces` triangles, the smallest are dropped. A
/// single component with many handles may keep more triangles.
void decimate(int64_t faces, float clearance, TriangleMesh* mesh);

}  // namespace lucid::mesh
