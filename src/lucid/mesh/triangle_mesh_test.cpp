// SPDX-License-Identifier: Apache-2.0
// Normals, connections and volume, against shapes whose values are known.
#include "lucid/mesh/triangle_mesh.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lucid::mesh {
namespace {

/// The unit cube, corners at 0 and 1, counter-clockwise seen from outside.
TriangleMesh cube() {
  TriangleMesh mesh;
  for (int i = 0; i < 8; ++i)
    mesh.positions.push_back({static_cast<float>(i & 1), static_cast<float>(i >> 1 & 1), static_cast<float>(i >> 2)});
  for (const auto& [a, b, c, d] : std::vector<std::array<uint32_t, 4>>{
           {0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}}) {
    mesh.triangles.push_back({a, b, c});
    mesh.triangles.push_back({a, c, d});
  }
  return mesh;
}

/// The same mesh with three vertices of its own for each triangle.
TriangleMesh unshared(const TriangleMesh& mesh) {
  TriangleMesh result;
  for (const Triangle& t : mesh.triangles) {
    const auto next = static_cast<uint32_t>(result.positions.size());
    for (const uint32_t v : t) result.positions.push_back(mesh.positions[v]);
    result.triangles.push_back({next, next + 1, next + 2});
  }
  return result;
}

TEST(TriangleMesh, CubeHasItsVolumeNormalsAndConnections) {
  for (const TriangleMesh& mesh : {cube(), unshared(cube())}) {
    EXPECT_NEAR(signed_volume(mesh), 1, 1e-12);
    const Topology found = topology(mesh);
    EXPECT_EQ(found.components, 1);
    EXPECT_TRUE(found.closed()) << found.border_edges << " " << found.non_manifold_edges;
    const std::vector<Point> normals = vertex_normals(mesh);
    ASSERT_EQ(normals.size(), mesh.positions.size());
    for (size_t v = 0; v < normals.size(); ++v) {  // by symmetry along the diagonal, however its faces are split
      const Point& p = mesh.positions[v];
      const float s = 1 / std::sqrt(3.0f);
      EXPECT_NEAR(normals[v].x, p.x > 0.5f ? s : -s, 1e-6);
      EXPECT_NEAR(normals[v].y, p.y > 0.5f ? s : -s, 1e-6);
      EXPECT_NEAR(normals[v].z, p.z > 0.5f ? s : -s, 1e-6);
    }
  }
}

TEST(TriangleMesh, TopologyCountsBordersAndWrongEdges) {
  TriangleMesh open = cube();
  open.triangles.pop_back();
  EXPECT_EQ(topology(open).border_edges, 3);
  EXPECT_EQ(topology(open).non_manifold_edges, 0);

  TriangleMesh turned = cube();  // one triangle seen from inside: its three neighbours disagree with it
  std::swap(turned.triangles[0][0], turned.triangles[0][1]);
  EXPECT_EQ(topology(turned).border_edges, 0);
  EXPECT_EQ(topology(turned).non_manifold_edges, 3);

  TriangleMesh fin = cube();  // a third triangle at an edge of the cube
  fin.positions.push_back({-1, -1, 0.5f});
  fin.triangles.push_back({0, 4, 8});
  EXPECT_EQ(topology(fin).non_manifold_edges, 1);
  EXPECT_EQ(topology(fin).border_edges, 2);

  TriangleMesh two = cube();
  for (Point p : cube().positions) two.positions.push_back({p.x + 3, p.y, p.z});
  for (Triangle t : cube().triangles) two.triangles.push_back({t[0] + 8, t[1] + 8, t[2] + 8});
  two.positions.push_back({9, 9, 9});  // used by no triangle
  EXPECT_EQ(topology(two).components, 2);
  EXPECT_TRUE(topology(two).closed());
  EXPECT_EQ(topology({}).components, 0);
}

TEST(TriangleMesh, NormalsIgnoreTrianglesWithoutArea) {
  TriangleMesh mesh;
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {5, 5, 5}};
  mesh.triangles = {{0, 2, 1}, {0, 0, 1}, {3, 3, 3}};
  const std::vector<Point> normals = vertex_normals(mesh);
  EXPECT_FLOAT_EQ(normals[0].z, -1);
  EXPECT_FLOAT_EQ(normals[3].z, 1);
}

}  // namespace
}  // namespace lucid::mesh
