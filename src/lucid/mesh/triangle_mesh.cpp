// SPDX-License-Identifier: Apache-2.0
// Normals, connections and volume of a triangle mesh.
#include "lucid/mesh/triangle_mesh.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace lucid::mesh {
namespace {

struct PositionHash {
  size_t operator()(const std::array<uint32_t, 3>& bits) const {
    uint64_t h = bits[0];
    for (const uint32_t next : {bits[1], bits[2]}) h = (h ^ (h >> 29)) * 0x9E3779B97F4A7C15ull + next;
    return static_cast<size_t>(h ^ (h >> 32));
  }
};

/// For each vertex, the first vertex at the same position. [V]
std::vector<uint32_t> first_at_position(const std::vector<Point>& positions) {
  std::vector<uint32_t> first(positions.size());
  std::unordered_map<std::array<uint32_t, 3>, uint32_t, PositionHash> seen;
  seen.reserve(positions.size());
  for (uint32_t v = 0; v < positions.size(); ++v) {
    const Point p = positions[v] + Point{};  // -0 becomes +0
    const std::array<uint32_t, 3> bits = {std::bit_cast<uint32_t>(p.x), std::bit_cast<uint32_t>(p.y),
                                          std::bit_cast<uint32_t>(p.z)};
    first[v] = seen.emplace(bits, v).first->second;
  }
  return first;
}

/// Angle at `a` of the triangle a, b, c, in radians.
float angle_at(const Point& a, const Point& b, const Point& c) {
  const Point u = b - a, v = c - a, n = cross(u, v);
  return std::atan2(std::sqrt(dot(n, n)), dot(u, v));
}

uint32_t root_of(std::vector<uint32_t>& parent, uint32_t v) {
  while (parent[v] != v) v = parent[v] = parent[parent[v]];
  return v;
}

}  // namespace

std::vector<Point> vertex_normals(const TriangleMesh& mesh) {
  const std::vector<uint32_t> first = first_at_position(mesh.positions);
  std::vector<Point> sums(mesh.positions.size());
  for (const Triangle& t : mesh.triangles) {
    const Point corner[3] = {mesh.positions[t[0]], mesh.positions[t[1]], mesh.positions[t[2]]};
    float length = 0;
    const Point normal = normalized(cross(corner[1] - corner[0], corner[2] - corner[0]), &length);
    if (!(length > 0)) continue;
    for (size_t k = 0; k < 3; ++k) {
      const float angle = angle_at(corner[k], corner[(k + 1) % 3], corner[(k + 2) % 3]);
      sums[first[t[k]]] = sums[first[t[k]]] + angle * normal;
    }
  }
  std::vector<Point> normals(sums.size());
  for (size_t v = 0; v < sums.size(); ++v) {
    float length = 0;
    normals[v] = normalized(sums[first[v]], &length);
  }
  return normals;
}

Topology topology(const TriangleMesh& mesh) {
  const std::vector<uint32_t> first = first_at_position(mesh.positions);
  std::vector<uint32_t> parent(mesh.positions.size());
  std::iota(parent.begin(), parent.end(), 0u);
  struct Edge {
    uint64_t key;     // both vertices, the smaller one in the high half
    int32_t forward;  // 1 where the triangle runs from the smaller to the larger vertex
  };
  std::vector<Edge> edges;
  edges.reserve(3 * mesh.triangles.size());
  for (const Triangle& t : mesh.triangles) {
    for (size_t k = 0; k < 3; ++k) {
      const uint32_t a = first[t[k]], b = first[t[(k + 1) % 3]];
      edges.push_back({uint64_t{std::min(a, b)} << 32 | std::max(a, b), a < b ? 1 : 0});
      parent[root_of(parent, a)] = root_of(parent, b);
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
  std::vector<uint8_t> used(mesh.positions.size());
  for (const Triangle& t : mesh.triangles) {
    for (const uint32_t v : t) used[first[v]] = 1;
  }
  for (uint32_t v = 0; v < parent.size(); ++v) result.components += used[v] != 0 && root_of(parent, v) == v ? 1 : 0;
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
