// SPDX-License-Identifier: Apache-2.0
// Chart: a part of a mesh that is flattened in one piece, and the connections between a mesh's triangles.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

using Uv = Vec2<double>;

inline Uv operator+(const Uv& a, const Uv& b) { return {a.x + b.x, a.y + b.y}; }
inline Uv operator-(const Uv& a, const Uv& b) { return {a.x - b.x, a.y - b.y}; }
inline Uv operator*(double s, const Uv& a) { return {s * a.x, s * a.y}; }
inline double dot(const Uv& a, const Uv& b) { return a.x * b.x + a.y * b.y; }
inline double cross(const Uv& a, const Uv& b) { return a.x * b.y - a.y * b.x; }
inline Vec3<double> to_double(const Point& p) { return {p.x, p.y, p.z}; }

/// The vertices are numbered within the chart. Triangles share a vertex of the chart if one can pass from one to the
/// other around it through inner edges of the chart. A vertex of the mesh is therefore one vertex of a chart, or
/// several where the chart's border meets itself.
struct Chart {
  std::vector<uint32_t> faces;    // [F] triangles of the mesh
  std::vector<Triangle> corners;  // [F] their vertices in the chart
  std::vector<uint32_t> source;   // [V] vertices of the mesh
  std::vector<Uv> uv;             // [V] positions in the plane; u to the right, v up, as seen from outside
};

/// For each edge of each triangle, from corner c to corner c + 1, the triangle on the other side. -1 at a border, and
/// at an edge of more than two triangles or of two that disagree about the outside.
using Neighbours = std::vector<std::array<int32_t, 3>>;  // [F]
Neighbours neighbours_of(const std::vector<Triangle>& triangles);

/// For an edge with a neighbour, the corner of the neighbour at which the edge begins there.
int opposite_corner(const std::vector<Triangle>& triangles, const Neighbours& neighbours, uint32_t face, int corner);

/// Cross product of two edges of each triangle: its normal, with twice its area as length.
std::vector<Vec3<double>> face_normals(const TriangleMesh& mesh);  // [F]

/// The charts made of `faces`: one for each part that is connected by edges. `uv` stays empty.
std::vector<Chart> connected_charts(const TriangleMesh& mesh, const Neighbours& neighbours,
                                    const std::vector<uint32_t>& faces);

}  // namespace lucid::mesh
