// SPDX-License-Identifier: Apache-2.0
// Normals, connections and volume of a triangle mesh.
#include "lucid/mesh/triangle_mesh.h"

#include <algorithm>
#include <cmath>

#include "lucid/mesh/union_find.h"
#include "lucid/mesh/weld.h"

namespace lucid::mesh {
namespace {

/// Angle at `a` of the triangle a, b, c, in radians.
float angle_at(const Point& a, const Point& b, const Point& c) {
  const Point u = b - a, v = c - a, n = cross(u, v);
  return std::atan2(std::sqrt(dot(n, n)), dot(u, v));
}

}  // namespace

std::vector<Point> vertex_normals(const TriangleMesh& mesh) {
  const Welding welding = weld(mesh.positions);
  std::vector<Point> sums(welding.vertex_of.size());
  for (const Triangle& t : mesh.triangles) {
    const Point corner[3] = {mesh.positions[t[0]], mesh.positions[t[1]], mesh.positions[t[2]]};
    float length = 0;
    const Point normal = normalized(cross(corner[1] - corner[0], corner[2] - corner[0]), &length);
    if (!(length > 0)) continue;
    for (size_t k = 0; k < 3; ++k) {
      const float angle = angle_at(corner[k], corner[(k + 1) % 3], corner[(k + 2) % 3]);
      Point& sum = sums[welding.position_of[t[k]]];
      sum = sum + angle * normal;
    }
  }
  std::vector<Point> normals(mesh.positions.size());
  for (size_t v = 0; v < normals.size(); ++v) {
    float length = 0;
    normals[v] = normalized(sums[welding.position_of[v]], &length);
  }
  return normals;
}

Topology topology(const TriangleMesh& mesh) {
  const Welding welding = weld(mesh.positions);
  UnionFind sets(welding.vertex_of.size());
  struct Edge {
    uint64_t key;     // both vertices, the smaller one in the high half
    int32_t forward;  // 1 where the triangle runs from the smaller to the larger vertex
  };
  std::vector<Edge> edges;
  edges.reserve(3 * mesh.triangles.size());
  for (const Triangle& t : mesh.triangles) {
    for (size_t k = 0; k < 3; ++k) {
      const uint32_t a = welding.position_of[t[k]], b = welding.position_of[t[(k + 1) % 3]];
      edges.push_back({uint64_t{std::min(a, b)} << 32 | std::max(a, b), a < b ? 1 : 0});
      sets.unite(a, b);
    }
  }
  std::ranges::sort(edges, {}, &Edge::key);
  Topology result;
  for (size_t begin = 0, end = 0; begin < edges.size(); begin = end) {
    int32_t forward = 0;
    for (; end < edges.size() && edges[end].key == edges[begin].key; ++end) forward += edges[end].forward;
    if (end - begin == 1) {
      ++result.border_edges;
    } else if (end - begin != 2 || forward != 1) {
      ++result.non_manifold_edges;
    }
  }
  std::vector<uint8_t> used(welding.vertex_of.size());
  for (const Triangle& t : mesh.triangles) {
    for (const uint32_t v : t) used[welding.position_of[v]] = 1;
  }
  for (uint32_t i = 0; i < used.size(); ++i) result.components += used[i] != 0 && sets.root(i) == i ? 1 : 0;
  return result;
}

double signed_volume(const TriangleMesh& mesh) {
  double volume = 0;
  const auto in_double = [](const Point& p) { return Vec3<double>{p.x, p.y, p.z}; };
  for (const Triangle& t : mesh.triangles) {
    const Vec3<double> a = in_double(mesh.positions[t[0]]), b = in_double(mesh.positions[t[1]]);
    volume += dot(a, cross(b, in_double(mesh.positions[t[2]])));
  }
  return volume / 6;
}

}  // namespace lucid::mesh
