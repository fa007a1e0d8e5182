// SPDX-License-Identifier: Apache-2.0
// Relaxation of a chart: moves its vertices in the plane until lengths are kept as well as possible.
#pragma once

#include "lucid/mesh/atlas/chart.h"

namespace lucid::mesh {

/// Lowers the symmetric Dirichlet energy (Smith and Schaefer 2015, "Bijective parameterization with free boundaries"),
/// the sum over triangles of area * (|J|^2 + |J^-1|^2), where J maps the triangle to the plane. It is smallest for
/// isometries and infinite for flipped triangles. Vertices are moved one by one by Newton steps, for at most `sweeps`
/// rounds. Triangles without area are taken as thin ones. While triangles are flipped, det J is replaced by the
/// positive (d + sqrt(d^2 + e^2)) / 2 with falling e (Garanzha et al. 2021, "Foldover-free maps in 50 lines of code").
/// Returns false if triangles are still flipped at the end.
bool relax(const TriangleMesh& mesh, Chart& chart, int sweeps);

/// How a triangle's lengths change from the plane to space and back, as root mean squares over all directions. Both are
/// 1 for an isometry, infinite for a flipped triangle, and 1 if all points are equal.
struct Stretch {
  double to_space;  // the L2 stretch: sqrt((s1^2 + s2^2) / 2) of the singular values (Sander et al. 2001)
  double to_plane;
};
Stretch stretch_of(const std::array<Point, 3>& points, const std::array<Uv, 3>& uvs);

}  // namespace lucid::mesh
