// SPDX-License-Identifier: Apache-2.0
// Tests of what texels belong to which chart, and of seams, on a cube with six square charts.
#include "lucid/mesh/colour/chart_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lucid/mesh/colour/painted_mesh_test.h"
#include "lucid/mesh/colour/seams.h"
#include "lucid/mesh/weld.h"

namespace lucid::mesh {
namespace {

using test::cube;

/// The cube's face whose chart contains uv, -1 if none does: the cells of painted_mesh_test.h.
int face_at(double u, double v) {
  const double cell_u = u * 3 - std::floor(u * 3), cell_v = v * 2 - std::floor(v * 2);
  if (std::min(cell_u, 1 - cell_u) < 0.06 || std::min(cell_v, 1 - cell_v) < 0.04) return -1;
  return int(v * 2) * 3 + int(u * 3);
}

TEST(ChartMap, TexelsBelongToTheChartTheyAreInAndTheOthersToTheNearest) {
  constexpr int kSize = 90, kSteps = 3;
  const TriangleMesh mesh = cube(kSteps);
  const ChartMap map = map_charts(mesh, kSize);
  const auto face_of_chart = [&](int32_t chart) { return chart / ((kSteps + 1) * (kSteps + 1)); };  // a vertex of it
  size_t outside = 0;
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const size_t i = size_t(y * kSize + x);
      const int face = face_at((x + 0.5) / kSize, (y + 0.5) / kSize);
      ASSERT_EQ(map.triangle[i] >= 0, face >= 0) << x << ", " << y;
      outside += face < 0;
      ASSERT_EQ(face_of_chart(map.chart[i]), y / (kSize / 2) * 3 + x / (kSize / 3)) << x << ", " << y;  // its cell
      if (face < 0) continue;
      const Triangle& t = mesh.triangles[size_t(map.triangle[i])];
      const Vec2<float> b = map.barycentric[i];
      ASSERT_NEAR((1 - b.x - b.y) * mesh.uvs[t[0]].x + b.x * mesh.uvs[t[1]].x + b.y * mesh.uvs[t[2]].x,
                  (x + 0.5) / kSize, 1e-5);
    }
  }
  ASSERT_EQ(map.outward.size(), outside);
  std::set<int32_t> reached;
  for (const ChartMap::Step& step : map.outward) {
    ASSERT_TRUE(map.triangle[size_t(step.from)] >= 0 || reached.contains(step.from));
    ASSERT_TRUE(reached.insert(step.texel).second);
  }
}

TEST(ChartMap, AChartThatCoversNoTexelCentreStillHasTexels) {
  TriangleMesh mesh;
  mesh.uvs = {{0.1f, 0.26f}, {0.9f, 0.26f}, {0.5f, 0.27f}, {0.2f, 0.6f}, {0.8f, 0.6f}, {0.5f, 0.9f}};
  mesh.triangles = {{0, 1, 2}, {3, 4, 5}};
  const ChartMap map = map_charts(mesh, 4);  // centres at 0.125, 0.375, ...
  EXPECT_EQ(std::count(map.triangle.begin(), map.triangle.end(), 0), 3);
  EXPECT_EQ(map.triangle[4], 0);
  EXPECT_NE(map.chart[4], map.chart[14]);
}

TEST(Weld, VerticesOfEqualPositionAreOne) {
  const TriangleMesh mesh = cube(4);
  const std::vector<uint32_t> welded = weld(mesh.positions).position_of;
  EXPECT_EQ(*std::max_element(welded.begin(), welded.end()) + 1, 6u * 16 + 2);  // V - E + F = 2 with 96 quads
  for (size_t a = 0; a < welded.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      const Point d = mesh.positions[a] - mesh.positions[b];
      ASSERT_EQ(welded[a] == welded[b], dot(d, d) == 0) << a << ", " << b;
    }
  }
}

TEST(Seams, RowsAreTheDifferencesOfBothSidesAndClosingThemChangesLittle) {
  constexpr int kSize = 96, kSteps = 4;
  const TriangleMesh mesh = cube(kSteps);
  const std::vector<SeamRow> rows = seam_rows(mesh, kSize);
  EXPECT_GT(rows.size(), 12u * kSteps * 5);
  // Texels as a ramp read bilinearly give the position itself. All charts at a corner meet each other at an edge, so
  // the largest difference is the largest of two vertices at one position.
  double expected = 0;
  const std::vector<uint32_t> welded = weld(mesh.positions).position_of;
  for (size_t a = 0; a < welded.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (welded[a] == welded[b]) expected = std::max(expected, double(std::abs(mesh.uvs[a].x - mesh.uvs[b].x)));
    }
  }
  std::vector<float> ramp(kSize * kSize), flat(kSize * kSize, 0.3f);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = (float(i % kSize) + 0.5f) / kSize;
  const auto difference = [](const SeamRow& row, const std::vector<float>& texels) {
    double sum = 0;
    for (size_t k = 0; k < 8; ++k) sum += double(row.weight[k] * texels[size_t(row.texel[k])]);
    return sum;
  };
  double largest = 0;
  for (const SeamRow& row : rows) {
    EXPECT_NEAR(difference(row, flat), 0, 1e-6);
    largest = std::max(largest, std::abs(difference(row, ramp)));
  }
  EXPECT_NEAR(largest, expected, 1e-5);

  std::vector<float> untouched = flat;
  close_seams(rows, &untouched);
  for (const float v : untouched) EXPECT_NEAR(v, 0.3f, 1e-5);
  std::vector<float> noisy(kSize * kSize);
  for (size_t i = 0; i < noisy.size(); ++i) noisy[i] = i % 2 == 0 ? 0.5f : 0.54f;
  const std::vector<float> before = noisy;
  close_seams(rows, &noisy);
  for (const SeamRow& row : rows) EXPECT_LT(std::abs(difference(row, noisy)), 1.0 / 255);
  for (size_t i = 0; i < noisy.size(); ++i) EXPECT_NEAR(noisy[i], before[i], 0.045);
}

}  // namespace
}  // namespace lucid::mesh
