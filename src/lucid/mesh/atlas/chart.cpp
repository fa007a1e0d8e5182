// SPDX-License-Identifier: Apache-2.0
// Connections between triangles, and charts made of connected triangles.
#include "lucid/mesh/atlas/chart.h"

#include <algorithm>
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

Chart chart_of(const TriangleMesh& mesh, std::vector<uint32_t> faces) {
  Chart chart;
  chart.faces = std::move(faces);
  std::unordered_map<uint32_t, uint32_t> number;  // vertex of the mesh to vertex of the chart
  number.reserve(chart.faces.size() + 2);
  for (const uint32_t f : chart.faces) {
    Triangle corners;
    for (int c = 0; c < 3; ++c) {
      const uint32_t vertex = mesh.triangles[f][c];
      const auto [at, added] = number.try_emplace(vertex, static_cast<uint32_t>(chart.source.size()));
      if (added) chart.source.push_back(vertex);
      corners[c] = at->second;
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
    charts.push_back(chart_of(mesh, std::move(part)));
  }
  return charts;
}

}  // namespace lucid::mesh
