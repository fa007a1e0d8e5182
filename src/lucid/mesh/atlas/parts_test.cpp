// SPDX-License-Identifier: Apache-2.0
// The stages of an atlas on their own: relaxation, the test for overlaps, bitmaps, packing.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "lucid/mesh/atlas/bitmap.h"
#include "lucid/mesh/atlas/flatten.h"
#include "lucid/mesh/atlas/merge.h"
#include "lucid/mesh/atlas/pack.h"
#include "lucid/mesh/atlas/relax.h"
#include "lucid/mesh/atlas/segment.h"
#include "lucid/mesh/atlas/test_meshes.h"

namespace lucid::mesh {
namespace {

using namespace atlas_test;

/// All triangles in one chart, uv = (x, y).
Chart whole(const TriangleMesh& mesh) {
  std::vector<uint32_t> faces(mesh.triangles.size());
  for (uint32_t f = 0; f < faces.size(); ++f) faces[f] = f;
  Chart chart = connected_charts(mesh, neighbours_of(mesh.triangles), faces).at(0);
  for (const uint32_t v : chart.source) chart.uv.push_back({mesh.positions[v].x, mesh.positions[v].y});
  return chart;
}

std::array<double, 2> stretch_range(const TriangleMesh& mesh, const Chart& chart) {
  std::array<double, 2> range{1e300, 0};
  for (const Triangle& t : chart.corners) {
    const Stretch s = stretch_of(
        {mesh.positions[chart.source[t[0]]], mesh.positions[chart.source[t[1]]], mesh.positions[chart.source[t[2]]]},
        {chart.uv[t[0]], chart.uv[t[1]], chart.uv[t[2]]});
    range = {std::min({range[0], s.to_plane, s.to_space}), std::max({range[1], s.to_plane, s.to_space})};
  }
  return range;
}

TEST(Relax, FindsTheIsometryOfAFlatMesh) {
  const TriangleMesh mesh = plane(6);
  Chart squeezed = whole(mesh);
  for (Uv& p : squeezed.uv) p = {0.6 * p.x + 0.1 * p.y, 1.4 * p.y};
  EXPECT_GT(stretch_range(mesh, squeezed)[1], 1.1);
  EXPECT_TRUE(relax(mesh, squeezed, 2000));
  EXPECT_NEAR(stretch_range(mesh, squeezed)[0], 1, 0.05);
  EXPECT_NEAR(stretch_range(mesh, squeezed)[1], 1, 0.05);
}

TEST(Relax, UntanglesFlippedTriangles) {
  const TriangleMesh mesh = plane(6);
  Chart tangled = whole(mesh);
  for (size_t v = 0; v < tangled.uv.size(); v += 3) {
    tangled.uv[v] = tangled.uv[v] + 1.2 * Uv{noise(v, 1), noise(v, 2)};
  }
  EXPECT_EQ(stretch_range(mesh, tangled)[1], std::numeric_limits<double>::infinity());
  EXPECT_TRUE(relax(mesh, tangled, 200));
  EXPECT_LT(stretch_range(mesh, tangled)[1], 1.2);
}

TEST(Relax, SaysWhenTrianglesStayFlipped) {
  TriangleMesh mesh;  // two triangles on the same side of a common edge and of a third one: a closed double triangle
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 1}};
  Chart chart = whole(mesh);
  EXPECT_FALSE(relax(mesh, chart, 50));
}

/// A flat ring of quads around the origin that spans `turns` turns; its radius grows by `growth` a turn.
Chart ring(double turns, double growth) {
  const TriangleMesh mesh = grid(90, 1, false, false, [&](uint32_t i, uint32_t j) {
    const double a = -2 * std::numbers::pi * turns * i / 90, r = 1 + 0.2 * j + growth * turns * i / 90;
    return point(r * std::cos(a), r * std::sin(a), 0);
  });
  return whole(mesh);
}

TEST(Injective, SeesOverlapsAndTouchingBorders) {
  EXPECT_TRUE(injective(ring(0.9, 0)));
  EXPECT_FALSE(injective(ring(1.1, 0)));    // overlaps its own beginning
  EXPECT_TRUE(injective(ring(2.5, 0.3)));   // a spiral with gaps
  EXPECT_FALSE(injective(ring(2.5, 0.1)));  // a spiral that overlaps
}

TEST(Injective, SeesTwoTurnsAroundAVertex) {
  TriangleMesh mesh;  // ten triangles around vertex 0 that make `turns` turns
  mesh.positions.push_back({0, 0, 0});
  for (int i = 0; i < 10; ++i) mesh.positions.push_back({0, 0, 0});
  for (uint32_t i = 0; i < 10; ++i) mesh.triangles.push_back({0, 1 + i, 1 + (i + 1) % 10});
  for (const int turns : {1, 2}) {
    for (int i = 0; i < 10; ++i) {
      const double a = 2 * std::numbers::pi * turns * i / 10;
      mesh.positions[1 + i] = point(std::cos(a), std::sin(a), 0);
    }
    EXPECT_EQ(injective(whole(mesh)), turns == 1);
  }
}

TEST(Charts, OfTrianglesThatMeetInAVertexHaveTwoVerticesThere) {
  // Four quads around the middle of a 2 x 2 grid: two opposite ones and one beside them meet the middle in one fan;
  // the ring around a hole of a 3 x 3 grid has a corner where it meets itself if one quad is left out.
  const TriangleMesh mesh = plane(4);
  std::vector<uint32_t> faces;
  for (uint32_t f = 0; f < mesh.triangles.size(); ++f) {
    const uint32_t quad = f / 2;
    if (quad != 5 && quad != 10) faces.push_back(f);  // quads (1, 1) and (2, 2): holes that meet in the middle vertex
  }
  const std::vector<Chart> charts = connected_charts(mesh, neighbours_of(mesh.triangles), faces);
  ASSERT_EQ(charts.size(), 1U);
  EXPECT_EQ(charts[0].source.size(), mesh.positions.size() + 1);
  EXPECT_EQ(std::count(charts[0].source.begin(), charts[0].source.end(), 12U), 2);  // vertex (2, 2)
}

TEST(Neighbours, AreThoseAcrossManifoldEdges) {
  const std::vector<Triangle> triangles{{0, 1, 2}, {2, 1, 3}, {3, 1, 4}, {3, 1, 5}, {0, 2, 6}, {6, 2, 2}};
  const Neighbours n = neighbours_of(triangles);
  EXPECT_EQ(n[0], (std::array<int32_t, 3>{-1, 1, 4}));
  EXPECT_EQ(n[1], (std::array<int32_t, 3>{0, -1, -1}));
  EXPECT_EQ(n[2], (std::array<int32_t, 3>{-1, -1, -1}));  // edge 1-3 has three triangles
  EXPECT_EQ(n[4], (std::array<int32_t, 3>{0, -1, -1}));   // the neighbour at 2-6 is degenerate
}

TEST(Segment, SeparatesTheFacesOfACube) {
  TriangleMesh mesh;  // a cube of 6 x 10 x 10 quads: enough for the smoothing to leave the faces' normals alone
  for (int side = 0; side < 6; ++side) {
    const TriangleMesh face = plane(10);
    const auto first = static_cast<uint32_t>(mesh.positions.size());
    for (const Point& p : face.positions) {
      const Point q{p.x, p.y, 1};
      const Point turned[] = {q, {q.y, q.x, -1}, {1, q.x, q.y}, {-1, q.y, q.x}, {q.y, 1, q.x}, {q.x, -1, q.y}};
      mesh.positions.push_back(turned[side]);
    }
    for (const Triangle& t : face.triangles) mesh.triangles.push_back({first + t[0], first + t[1], first + t[2]});
  }
  std::map<std::array<float, 3>, uint32_t> welded;
  std::vector<Point> positions;
  for (Triangle& t : mesh.triangles) {
    for (uint32_t& v : t) {
      const Point& p = mesh.positions[v];
      const auto [at, added] = welded.try_emplace({p.x, p.y, p.z}, static_cast<uint32_t>(positions.size()));
      if (added) positions.push_back(p);
      v = at->second;
    }
  }
  mesh.positions = positions;
  ASSERT_TRUE(topology(mesh).closed());
  const auto regions = segment(mesh, neighbours_of(mesh.triangles));
  EXPECT_GE(regions.size(), 6U);
  EXPECT_LE(regions.size(), 12U);
  size_t count = 0;
  for (const auto& region : regions) count += region.size();
  EXPECT_EQ(count, mesh.triangles.size());
}

TEST(Merge, UnrollsACylinder) {
  const TriangleMesh mesh = cylinder(32, 8, 1, 1);
  const Neighbours neighbours = neighbours_of(mesh.triangles);
  const std::vector<Chart> before = flatten(mesh, neighbours, segment(mesh, neighbours));
  const std::vector<Chart> after = merge(mesh, neighbours, before);
  EXPECT_LE(after.size(), before.size());
  size_t faces = 0;
  for (const Chart& chart : after) {
    faces += chart.faces.size();
    EXPECT_TRUE(injective(chart));
    EXPECT_LT(stretch_range(mesh, chart)[1], 1.1);
  }
  EXPECT_EQ(faces, mesh.triangles.size());
}

TEST(Bitmap, CoverSetsExactlyTheTouchedCells) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::array<Uv, 3> t;
    for (uint32_t c = 0; c < 3; ++c) t[c] = {8 + 15 * noise(seed, 2 * c), 8 + 15 * noise(seed, 2 * c + 1)};
    Bitmap bitmap(16, 16);
    cover(bitmap, t);
    // Samples of the triangle lie in set cells; set cells hold a sample if sampling is dense enough.
    Bitmap sampled(16, 16);
    const int n = 400;
    for (int i = 0; i <= n; ++i) {
      for (int j = 0; i + j <= n; ++j) {
        const Uv p = (1.0 / n) * (static_cast<double>(i) * t[0] + static_cast<double>(j) * t[1] +
                                  static_cast<double>(n - i - j) * t[2]);
        sampled.at(static_cast<int>(p.x), static_cast<int>(p.y)) = 1;
      }
    }
    int more = 0;
    for (size_t i = 0; i < bitmap.cells.size(); ++i) {
      ASSERT_GE(bitmap.cells[i], sampled.cells[i]) << "seed " << seed << " cell " << i;
      more += bitmap.cells[i] - sampled.cells[i];
    }
    EXPECT_LE(more, 2) << "seed " << seed;
  }
}

TEST(Bitmap, TurnsAndGrows) {
  Bitmap bitmap(3, 2);
  bitmap.at(0, 0) = bitmap.at(2, 0) = bitmap.at(2, 1) = 1;
  const Bitmap quarter = turned(bitmap);
  ASSERT_EQ(quarter.width, 2);
  ASSERT_EQ(quarter.height, 3);
  EXPECT_EQ(quarter.cells, (std::vector<uint8_t>{0, 1, 0, 0, 1, 1}));  // (x, y) at (1 - y, x)
  const Bitmap wide = grown(bitmap, 1);
  EXPECT_EQ(wide.width, 5);
  EXPECT_EQ(wide.cells, (std::vector<uint8_t>{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}));
}

TEST(FreeSpace, FindsTheLowestPlaceOfBruteForce) {
  constexpr int kWidth = 150, kHeight = 40;
  FreeSpace space(kWidth, kHeight);
  Bitmap taken(kWidth, kHeight);
  for (uint32_t i = 0; i < 150; ++i) {
    Bitmap shape(1 + static_cast<int>(20 * (noise(i, 0) + 0.5)), 1 + static_cast<int>(8 * (noise(i, 1) + 0.5)));
    for (size_t c = 0; c < shape.cells.size(); ++c) shape.cells[c] = noise(i, 10 + static_cast<uint32_t>(c)) < 0.1;
    shape.cells[0] = 1;
    const std::vector<CellRun> runs = runs_of(shape);
    std::optional<FreeSpace::Place> expected;
    for (int y = 0; y < kHeight && !expected; ++y) {
      for (int x = 0; x < kWidth && !expected; ++x) {
        bool free = true;
        for (const CellRun& run : runs) {
          for (int c = run.begin; c < run.end; ++c) {
            free = free && x + c < kWidth && y + run.y < kHeight && !taken.at(x + c, y + run.y);
          }
        }
        if (free) expected = {x, y};
      }
    }
    const auto found = space.find(runs, 0, kHeight);
    ASSERT_EQ(found.has_value(), expected.has_value()) << "shape " << i;
    if (!found) continue;
    ASSERT_EQ(found->x, expected->x) << "shape " << i;
    ASSERT_EQ(found->y, expected->y) << "shape " << i;
    space.occupy(runs, *found);
    for (const CellRun& run : runs) {
      for (int c = run.begin; c < run.end; ++c) taken.at(found->x + c, found->y + run.y) = 1;
    }
  }
  EXPECT_FALSE(space.find({{0, 0, kWidth + 1}}, 0, kHeight).has_value());
}

TEST(Pack, FillsASquareWithEqualSquares) {
  std::vector<Chart> charts;
  for (int i = 0; i < 16; ++i) {
    Chart chart;
    chart.faces = {0, 1};
    chart.corners = {{0, 1, 2}, {0, 2, 3}};
    chart.source = {0, 1, 2, 3};
    const double a = 0.1 * i;  // each lies at another angle
    for (const Uv& p : {Uv{0, 0}, Uv{1, 0}, Uv{1, 1}, Uv{0, 1}}) {
      chart.uv.push_back({std::cos(a) * p.x - std::sin(a) * p.y, std::sin(a) * p.x + std::cos(a) * p.y});
    }
    charts.push_back(chart);
  }
  pack(charts, {512, 4});
  // 4 a side with 3 gutters of 4 and 2 at each border: (512 - 16) / 4 = 124 texels each.
  for (const Chart& chart : charts) {
    const Uv side = chart.uv[1] - chart.uv[0];
    EXPECT_NEAR(512 * std::sqrt(dot(side, side)), 124, 1.5);
    EXPECT_LT(cross(chart.uv[1] - chart.uv[0], chart.uv[2] - chart.uv[0]), 0);  // not mirrored; v goes down
  }
}

}  // namespace
}  // namespace lucid::mesh
