// SPDX-License-Identifier: Apache-2.0
// Connections between triangles, and charts made of connected triangles.
#include "lucid/mesh/atlas/chart.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

namespace lucid::mesh {
namespace {

struct HalfEdge {
  uint64_t key;   // both vertices, the smaller one first
  uint32_t edge;  // 3 * triangle + corner
  bool forward;   // from the smaller vertex to the larger one
};

std::vector<HalfEdge> sorted_edges(const std::vector<Triangle>& triangles) {
  std::vector<HalfEdge> edges;
  edges.reserve(3 * triangles.size());
  for (size_t f = 0; f < triangles.size(); ++f) {
    for (uint32_t c = 0; c < 3; ++c) {
      const uint32_t a = triangles[f][c], b = triangles[f][(c + 1) % 3];
      if (a == b) continue;  // a degenerate triangle
      edges.push_back({uint64_t{std::min(a, b)} << 32 | std::max(a, b), static_cast<uint32_t>(3 * f + c), a < b});
    }
  }
  std::sort(edges.begin(), edges.end(),
            [](const HalfEdge& a, const HalfEdge& b) { return a.key != b.key ? a.key < b.key : a.edge < b.edge; });
  return edges;
}

/// Corners that are the same vertex of a chart: those around a vertex of the mesh between which one can pass through
/// inner edges of the chart.
class CornerSets {
 public:
  explicit CornerSets(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0U); }
  uint32_t root(uint32_t c) {
    while (parent_[c] != c) c = parent_[c] = parent_[parent_[c]];
    return c;
  }
  void join(uint32_t a, uint32_t b) { parent_[std::max(root(a), root(b))] = std::min(root(a), root(b)); }

 private:
  std::vector<uint32_t> parent_;
};

Chart chart_of(const TriangleMesh& mesh, const Neighbours& neighbours, std::vector<uint32_t> faces) {
  Chart chart;
  chart.faces = std::move(faces);
  std::unordered_map<uint32_t, uint32_t> place;  // triangle of the mesh to its place in the chart
  place.reserve(chart.faces.size());
  for (uint32_t i = 0; i < chart.faces.size(); ++i) place[chart.faces[i]] = i;
  CornerSets sets(3 * chart.faces.size());
  for (uint32_t i = 0; i < chart.faces.size(); ++i) {
    const uint32_t f = chart.faces[i];
    for (int c = 0; c < 3; ++c) {
      const int32_t g = neighbours[f][c];
      const auto at = g < 0 ? place.end() : place.find(static_cast<uint32_t>(g));
      if (at == place.end()) continue;
      const int d = opposite_corner(mesh.triangles, neighbours, f, c);
      sets.join(3 * i + c, 3 * at->second + (d + 1) % 3);
      sets.join(3 * i + (c + 1) % 3, 3 * at->second + d);
    }
  }
  std::vector<uint32_t> number(3 * chart.faces.size());  // of each set, at its root
  for (uint32_t i = 0; i < chart.faces.size(); ++i) {
    Triangle corners;
    for (uint32_t c = 0; c < 3; ++c) {
      const uint32_t corner = 3 * i + c, root = sets.root(corner);
      if (root == corner) {  // the root is the smallest of its set, so it comes first
        number[root] = static_cast<uint32_t>(chart.source.size());
        chart.source.push_back(mesh.triangles[chart.faces[i]][c]);
      }
      corners[c] = number[root];
    }
    chart.corners.push_back(corners);
  }
  return chart;
}

}  // namespace

Neighbours neighbours_of(const std::vector<Triangle>& triangles) {
  const std::vector<HalfEdge> edges = sorted_edges(triangles);
  Neighbours neighbours(triangles.size(), {-1, -1, -1});
  for (size_t begin = 0, end; begin < edges.size(); begin = end) {
    for (end = begin + 1; end < edges.size() && edges[end].key == edges[begin].key;) ++end;
    if (end != begin + 2) continue;
    const HalfEdge &a = edges[begin], &b = edges[begin + 1];
    if (a.forward == b.forward || a.edge / 3 == b.edge / 3) continue;
    neighbours[a.edge / 3][a.edge % 3] = static_cast<int32_t>(b.edge / 3);
    neighbours[b.edge / 3][b.edge % 3] = static_cast<int32_t>(a.edge / 3);
  }
  return neighbours;
}

int opposite_corner(const std::vector<Triangle>& triangles, const Neighbours& neighbours, uint32_t face, int corner) {
  const auto other = static_cast<uint32_t>(neighbours[face][corner]);
  const uint32_t end = triangles[face][(corner + 1) % 3];  // the edge begins there in the other triangle
  for (int c = 0; c < 2; ++c) {
    if (neighbours[other][c] == static_cast<int32_t>(face) && triangles[other][c] == end) return c;
  }
  return 2;
}

std::vector<Vec3<double>> face_normals(const TriangleMesh& mesh) {
  std::vector<Vec3<double>> normals(mesh.triangles.size());
  for (size_t f = 0; f < normals.size(); ++f) {
    const Triangle& t = mesh.triangles[f];
    const Vec3<double> a = to_double(mesh.positions[t[0]]);
    normals[f] = cross(to_double(mesh.positions[t[1]]) - a, to_double(mesh.positions[t[2]]) - a);
  }
  return normals;
}

std::vector<Chart> connected_charts(const TriangleMesh& mesh, const Neighbours& neighbours,
                                    const std::vector<uint32_t>& faces) {
  std::unordered_set<uint32_t> left(faces.begin(), faces.end());
  std::vector<Chart> charts;
  for (const uint32_t first : faces) {
    if (left.erase(first) == 0) continue;
    std::vector<uint32_t> part{first};
    for (size_t i = 0; i < part.size(); ++i) {
      for (const int32_t next : neighbours[part[i]]) {
        if (next >= 0 && left.erase(static_cast<uint32_t>(next)) > 0) part.push_back(static_cast<uint32_t>(next));
      }
    }
    charts.push_back(chart_of(mesh, neighbours, std::move(part)));
  }
  return charts;
}

}  // namespace lucid::mesh
