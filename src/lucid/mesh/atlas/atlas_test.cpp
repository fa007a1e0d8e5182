// SPDX-License-Identifier: Apache-2.0
// Atlases of closed-form, noisy and hostile meshes, checked texel by texel.
#include "lucid/mesh/atlas/atlas.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>

#include "lucid/mesh/atlas/atlas_report.h"
#include "lucid/mesh/atlas/test_meshes.h"

namespace lucid::mesh {
namespace {

using namespace atlas_test;

struct Result {
  TriangleMesh mesh;
  AtlasReport report;
  std::vector<uint32_t> source;
};

Result unwrapped(const TriangleMesh& mesh, const AtlasOptions& options) {
  Result result;
  result.mesh = unwrap(mesh, options, &result.report, &result.source);
  return result;
}

/// True if the triangle touches the square [x, x + 1] x [y, y + 1]: no edge direction of the two separates them.
bool touches(const std::array<Vec2<double>, 3>& t, int x, int y) {
  std::vector<Vec2<double>> axes{{1, 0}, {0, 1}};
  for (int c = 0; c < 3; ++c) axes.push_back({t[c].y - t[(c + 1) % 3].y, t[(c + 1) % 3].x - t[c].x});
  for (const Vec2<double>& axis : axes) {
    double low = 1e300, high = -1e300, square_low = 1e300, square_high = -1e300;
    for (int c = 0; c < 3; ++c) {
      low = std::min(low, axis.x * t[c].x + axis.y * t[c].y);
      high = std::max(high, axis.x * t[c].x + axis.y * t[c].y);
    }
    for (int c = 0; c < 4; ++c) {
      const double p = axis.x * (x + (c & 1)) + axis.y * (y + (c >> 1));
      square_low = std::min(square_low, p);
      square_high = std::max(square_high, p);
    }
    if (high < square_low || low > square_high) return false;
  }
  return true;
}

/// Smallest number of empty texels between two charts in any row, column or diagonal; `most` if it is at least that.
int smallest_gutter(const TriangleMesh& mesh, int size, int most) {
  const std::vector<int32_t> charts = charts_of(mesh);
  std::vector<int32_t> owner(static_cast<size_t>(size) * size, -1);  // chart that touches the texel
  for (size_t f = 0; f < mesh.triangles.size(); ++f) {
    std::array<Vec2<double>, 3> t;
    for (int c = 0; c < 3; ++c) {
      const Vec2<float>& uv = mesh.uvs[mesh.triangles[f][c]];
      t[c] = {static_cast<double>(uv.x) * size, static_cast<double>(uv.y) * size};
    }
    const auto [left, right] = std::minmax({t[0].x, t[1].x, t[2].x});
    const auto [top, bottom] = std::minmax({t[0].y, t[1].y, t[2].y});
    for (int y = static_cast<int>(top); y <= std::min<int>(size - 1, static_cast<int>(bottom)); ++y) {
      for (int x = static_cast<int>(left); x <= std::min<int>(size - 1, static_cast<int>(right)); ++x) {
        if (!touches(t, x, y)) continue;
        int32_t& texel = owner[static_cast<size_t>(y) * size + x];
        if (texel >= 0 && texel != charts[f]) return -1;
        texel = charts[f];
      }
    }
  }
  int gutter = most;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const int32_t chart = owner[static_cast<size_t>(y) * size + x];
      if (chart < 0) continue;
      for (int dy = -gutter; dy <= gutter; ++dy) {
        for (int dx = -gutter; dx <= gutter; ++dx) {
          if (x + dx < 0 || x + dx >= size || y + dy < 0 || y + dy >= size) continue;
          const int32_t other = owner[static_cast<size_t>(y + dy) * size + x + dx];
          if (other >= 0 && other != chart) gutter = std::min(gutter, std::max(std::abs(dx), std::abs(dy)) - 1);
        }
      }
    }
  }
  return gutter;
}

/// What holds for every atlas of every mesh.
void expect_valid(const TriangleMesh& mesh, const Result& result) {
  ASSERT_EQ(result.mesh.triangles.size(), mesh.triangles.size());
  ASSERT_EQ(result.mesh.uvs.size(), result.mesh.positions.size());
  ASSERT_EQ(result.source.size(), result.mesh.positions.size());
  for (size_t f = 0; f < mesh.triangles.size(); ++f) {
    for (int c = 0; c < 3; ++c) {
      ASSERT_EQ(result.source[result.mesh.triangles[f][c]], mesh.triangles[f][c]) << "triangle " << f;
    }
  }
  std::vector<int> uses(result.mesh.positions.size());
  for (const Triangle& t : result.mesh.triangles) {
    for (const uint32_t v : t) ++uses[v];
  }
  for (size_t v = 0; v < result.source.size(); ++v) {
    const Point &a = result.mesh.positions[v], &b = mesh.positions[result.source[v]];
    ASSERT_TRUE(a.x == b.x && a.y == b.y && a.z == b.z);
    const Vec2<float>& uv = result.mesh.uvs[v];
    ASSERT_TRUE(uv.x >= 0 && uv.x <= 1 && uv.y >= 0 && uv.y <= 1) << uv.x << " " << uv.y;
    ASSERT_GT(uses[v], 0) << "a vertex without triangle";
  }
  EXPECT_EQ(result.report.flipped, 0);
  EXPECT_EQ(result.report.overlapping, 0);
}

TEST(Atlas, KeepsAPlaneInOnePieceWithoutStretch) {
  const TriangleMesh mesh = plane(20);
  const Result result = unwrapped(mesh, {256, 4});
  expect_valid(mesh, result);
  EXPECT_EQ(result.report.charts, 1);
  EXPECT_EQ(result.mesh.positions.size(), mesh.positions.size());
  EXPECT_NEAR(result.report.mean_stretch, 1, 1e-4);
  EXPECT_NEAR(result.report.stretch_99, 1, 1e-4);
  EXPECT_NEAR(result.report.used, std::pow(252.0 / 256, 2), 0.01);  // all but half a gutter at each border
}

TEST(Atlas, UnfoldsACubeAndACylinder) {
  const Result box = unwrapped(cube(), {256, 4});
  expect_valid(cube(), box);
  EXPECT_LE(box.report.charts, 6);
  EXPECT_NEAR(box.report.mean_stretch, 1, 1e-3);
  const TriangleMesh tube = cylinder(24, 40, 0.1, 3);
  const Result strips = unwrapped(tube, {512, 4});
  expect_valid(tube, strips);
  EXPECT_NEAR(strips.report.mean_stretch, 1, 2e-3);
  EXPECT_LE(strips.report.charts, 30);
  EXPECT_EQ(smallest_gutter(strips.mesh, 512, 4), 4);
}

TEST(Atlas, KeepsTheBarsOnSmoothAndNoisyMeshes) {
  const TriangleMesh meshes[] = {sphere(60, 40),       torus(80, 40),   torus(80, 40, 0.02),
                                 sphere(60, 40, 0.06), plane(50, 0.08), with(cube(), sphere(20, 20), 50)};
  for (const TriangleMesh& mesh : meshes) {
    const Result result = unwrapped(mesh, {512, 4});
    SCOPED_TRACE(::testing::Message() << mesh.triangles.size() << " triangles, " << result.report.charts << " charts");
    expect_valid(mesh, result);
    EXPECT_LE(result.report.mean_stretch, 1.15);
    EXPECT_LE(result.report.stretch_99, 2);
    EXPECT_GE(result.report.mean_stretch, 0.999);
    EXPECT_LE(result.report.charts, 150);
    EXPECT_GT(result.report.used, 0.45);
    EXPECT_EQ(smallest_gutter(result.mesh, 512, 4), 4);
  }
}

TEST(Atlas, GivesEveryChartTheSameScale) {
  const TriangleMesh mesh = with(cube(), cylinder(12, 6, 0.05, 0.5), 10);
  const Result result = unwrapped(mesh, {512, 2});
  double low = 1e300, high = 0;
  for (const Triangle& t : result.mesh.triangles) {
    for (int c = 0; c < 3; ++c) {
      const Point p = result.mesh.positions[t[c]] - result.mesh.positions[t[(c + 1) % 3]];
      const Vec2<float>&a = result.mesh.uvs[t[c]], &b = result.mesh.uvs[t[(c + 1) % 3]];
      const double scale = std::hypot(a.x - b.x, a.y - b.y) / std::sqrt(dot(p, p));
      low = std::min(low, scale);
      high = std::max(high, scale);
    }
  }
  EXPECT_LT(high / low, 1.1);
}

TEST(Atlas, DuplicatesVerticesAtChartBordersOnly) {
  const TriangleMesh mesh = torus(40, 20, 0.02);
  const Result result = unwrapped(mesh, {256, 4});
  const std::vector<int32_t> charts = charts_of(result.mesh);
  // At a vertex of a manifold, walk around it: a new vertex begins only where an edge is a border of a chart.
  std::vector<std::set<uint32_t>> copies(mesh.positions.size());
  std::map<std::array<uint32_t, 2>, std::array<uint32_t, 2>> edges;  // directed edge of the mesh to that of the atlas
  for (size_t f = 0; f < mesh.triangles.size(); ++f) {
    for (int c = 0; c < 3; ++c) {
      const int d = (c + 1) % 3;
      edges[{mesh.triangles[f][c], mesh.triangles[f][d]}] = {result.mesh.triangles[f][c], result.mesh.triangles[f][d]};
      copies[mesh.triangles[f][c]].insert(result.mesh.triangles[f][c]);
    }
  }
  std::vector<int> seams(mesh.positions.size());  // border edges that begin at the vertex
  for (const auto& [edge, here] : edges) {
    const auto& there = edges.at({edge[1], edge[0]});
    if (here[0] != there[1] || here[1] != there[0]) ++seams[edge[0]];
  }
  for (size_t v = 0; v < copies.size(); ++v) {
    EXPECT_LE(copies[v].size(), static_cast<size_t>(std::max(1, seams[v]))) << "vertex " << v;
  }
  EXPECT_GT(result.report.charts, 1);
}

TEST(Atlas, CopiesNormalsAndColours) {
  TriangleMesh mesh = cube();
  mesh.normals = vertex_normals(mesh);
  for (uint8_t v = 0; v < 8; ++v) mesh.colours.push_back({v, 1, 2});
  const Result result = unwrapped(mesh, {128, 2});
  ASSERT_EQ(result.mesh.normals.size(), result.source.size());
  ASSERT_EQ(result.mesh.colours.size(), result.source.size());
  for (size_t v = 0; v < result.source.size(); ++v) {
    EXPECT_EQ(result.mesh.colours[v], mesh.colours[result.source[v]]);
    EXPECT_EQ(result.mesh.normals[v].z, mesh.normals[result.source[v]].z);
  }
}

TEST(Atlas, TakesHostileMeshes) {
  TriangleMesh triangle;
  triangle.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
  triangle.triangles = {{0, 1, 2}};
  TriangleMesh point_like = triangle, line = triangle, repeated = triangle, fan = triangle, bow_tie = triangle;
  point_like.positions.assign(3, {1, 2, 3});
  line.positions[2] = {3, 0, 0};
  repeated.triangles = {{0, 0, 1}, {2, 2, 2}, {0, 1, 2}, {0, 1, 2}, {2, 1, 0}};
  fan.positions.insert(fan.positions.end(), {{0, 0, 1}, {0, -1, 0}, {0, 0, -1}});  // four triangles at one edge
  fan.triangles = {{0, 1, 2}, {0, 1, 3}, {0, 1, 4}, {1, 0, 5}};
  bow_tie.positions.insert(bow_tie.positions.end(), {{-1, 0, 0}, {0, -1, 0}});
  bow_tie.triangles = {{0, 1, 2}, {0, 3, 4}};
  // A strip with half a turn.
  TriangleMesh moebius = grid(60, 4, false, false, [](uint32_t i, uint32_t j) {
    const double a = 2 * std::numbers::pi * i / 60, r = (j / 2.0 - 1) * 0.3;
    return point((1 + r * std::cos(a / 2)) * std::cos(a), (1 + r * std::cos(a / 2)) * std::sin(a), r * std::sin(a / 2));
  });
  for (Triangle& t : moebius.triangles) {
    for (uint32_t& v : t) {
      if (v % 61 == 60) v = (4 - v / 61) * 61;
    }
  }
  std::map<std::string, TriangleMesh> meshes{{"empty", {}},
                                             {"one triangle", triangle},
                                             {"one point", point_like},
                                             {"a line", line},
                                             {"repeated", repeated},
                                             {"fan", fan},
                                             {"bow tie", bow_tie},
                                             {"Moebius strip", moebius},
                                             {"spikes", plane(20, 3)},
                                             {"soup", soup(300)},
                                             {"more triangles than texels", soup(1500)},
                                             {"tangle", tangle(40, 400)}};
  for (const auto& [name, mesh] : meshes) {
    SCOPED_TRACE(name);
    TriangleMesh used = mesh;
    for (const int size : {1, 37, 100}) expect_valid(used, unwrapped(used, {size, 2}));
  }
  EXPECT_EQ(unwrapped(triangle, {64, 4}).report.charts, 1);
  EXPECT_THROW(unwrap(triangle, {0, 4}), std::logic_error);
  triangle.positions[1].x = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(unwrap(triangle, {64, 4}), std::logic_error);
  triangle.triangles[0][1] = 7;
  EXPECT_THROW(unwrap(triangle, {64, 4}), std::logic_error);
}

TEST(Atlas, CutsALongRodIntoPieces) {
  const TriangleMesh rod = cylinder(6, 300, 0.005, 2);
  const Result result = unwrapped(rod, {256, 4});
  expect_valid(rod, result);
  EXPECT_GT(result.report.used, 0.3);
}

TEST(Atlas, DoesNotDependOnThreadsOrScale) {
  const TriangleMesh mesh = torus(60, 30, 0.03);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Result one = unwrapped(mesh, {256, 4});
  omp_set_num_threads(3);
  const Result three = unwrapped(mesh, {256, 4});
  omp_set_num_threads(threads);
  EXPECT_EQ(one.mesh.triangles, three.mesh.triangles);
  for (size_t v = 0; v < one.mesh.uvs.size(); ++v) {
    ASSERT_EQ(one.mesh.uvs[v].x, three.mesh.uvs[v].x);
    ASSERT_EQ(one.mesh.uvs[v].y, three.mesh.uvs[v].y);
  }
  for (const float scale : {1.0F / (1 << 20), 1.0F * (1 << 20)}) {
    TriangleMesh scaled = mesh;
    for (Point& p : scaled.positions) p = scale * p;
    const Result result = unwrapped(scaled, {256, 4});
    EXPECT_EQ(result.report.charts, one.report.charts);
    EXPECT_NEAR(result.report.used, one.report.used, 1e-3);
  }
}

TEST(AtlasReport, MeasuresKnownAtlases) {
  // Two unit squares, each of two triangles. The first keeps its shape; the second is twice as wide in the texture.
  TriangleMesh mesh;
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}, {5, 0, 0}, {6, 0, 0}, {6, 1, 0}, {5, 1, 0}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 3}, {4, 5, 6}, {4, 6, 7}};
  mesh.uvs = {{0, 0.25F}, {0.25F, 0.25F}, {0.25F, 0}, {0, 0}, {0.5F, 0.75F}, {1, 0.75F}, {1, 0.5F}, {0.5F, 0.5F}};
  AtlasReport report = measure_atlas(mesh, 16);
  EXPECT_EQ(report.charts, 2);
  EXPECT_EQ(report.flipped, 0);
  EXPECT_EQ(report.overlapping, 0);
  EXPECT_DOUBLE_EQ(report.used, 3.0 / 16);
  // Singular values from the plane to space, at the scale of equal areas 2 / (3 / 16).
  const double unit = std::sqrt(1.5), first = unit, second = unit * std::sqrt((1 + 0.25) / 2);
  EXPECT_NEAR(report.mean_stretch, (first + second) / 2, 1e-6);
  EXPECT_NEAR(report.stretch_99, first, 1e-6);

  std::swap(mesh.uvs[4], mesh.uvs[5]);  // mirrors the second square
  std::swap(mesh.uvs[6], mesh.uvs[7]);
  EXPECT_EQ(measure_atlas(mesh, 16).flipped, 2);
  for (int v = 4; v < 8; ++v) mesh.uvs[v] = {mesh.uvs[v - 4].x + 0.125F, mesh.uvs[v - 4].y};
  report = measure_atlas(mesh, 16);
  EXPECT_EQ(report.overlapping, 2 * 4);
  EXPECT_DOUBLE_EQ(report.used, 6.0 * 4 / 256);
}

}  // namespace
}  // namespace lucid::mesh
