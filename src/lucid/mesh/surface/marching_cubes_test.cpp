// SPDX-License-Identifier: Apache-2.0
// Marching cubes: closed and manifold for every field, exact on shapes whose surface is known.
#include "lucid/mesh/surface/marching_cubes.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <bit>
#include <numbers>

#include "lucid/base/rng.h"
#include "lucid/mesh/surface/cavities.h"
#include "lucid/mesh/surface/surface_test_support.h"

namespace lucid::mesh {
namespace {

using test::cube_lattice;
using test::expect_closed_manifold;
using test::length;
using test::sample;

/// Random values inside, 0 at the border.
Field random_field(const Lattice& lattice, uint64_t seed, bool binary) {
  Rng rng(seed, "field");
  Field field(size_t(lattice.count()), 0.0f);
  for (int z = 1; z + 1 < lattice.size[2]; ++z) {
    for (int y = 1; y + 1 < lattice.size[1]; ++y) {
      for (int x = 1; x + 1 < lattice.size[0]; ++x) {
        const double value = rng.uniform(0, 2);
        field[size_t(lattice.index(x, y, z))] = binary ? (value < 1 ? 0.5f : 1.5f) : float(value);
      }
    }
  }
  return field;
}

TEST(MarchingCubes, RandomFieldsGiveClosedManifolds) {
  const Lattice lattice{.size = {15, 13, 16}, .origin = {-1, -1, -1}, .spacing = 0.1f};
  for (uint64_t seed = 0; seed < 2; ++seed) {
    for (const bool binary : {false, true}) {
      const TriangleMesh mesh = marching_cubes(random_field(lattice, seed, binary), lattice);
      EXPECT_GT(mesh.triangles.size(), 2000u);
      expect_closed_manifold(mesh);
    }
  }
}

/// Each of the 256 patterns of one cell's corners, with random values.
TEST(MarchingCubes, EveryPatternOfACellIsClosed) {
  const Lattice lattice{.size = {4, 4, 4}, .origin = {0, 0, 0}, .spacing = 1};
  Rng rng(1, "corners");
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);  // the meshes are tiny
  for (unsigned pattern = 1; pattern < 256; ++pattern) {
    Field field(64, 0.0f);
    for (unsigned c = 0; c < 8; ++c) {
      const double value = (pattern >> c & 1) != 0 ? rng.uniform(1, 2) : rng.uniform(0, 1);
      field[size_t(lattice.index(1 + int(c & 1), 1 + int(c >> 1 & 1), 1 + int(c >> 2)))] = float(value);
    }
    const TriangleMesh mesh = marching_cubes(field, lattice);
    expect_closed_manifold(mesh);
    EXPECT_GT(signed_volume(mesh), 0) << pattern;
  }
  omp_set_num_threads(threads);
}

TEST(MarchingCubes, SphereIsExactToAFewHundredthsOfACell) {
  const Lattice lattice = cube_lattice(49);
  const float radius = 0.7f;
  const TriangleMesh mesh =
      marching_cubes(sample(lattice, [&](const Point& p) { return 1 + radius - length(p); }), lattice);
  expect_closed_manifold(mesh);
  EXPECT_EQ(test::euler_characteristic(mesh), 2);
  for (const Point& p : mesh.positions) EXPECT_NEAR(length(p), radius, 0.03f * lattice.spacing);
  const double volume = 4.0 / 3 * std::numbers::pi * std::pow(double(radius), 3);
  EXPECT_NEAR(signed_volume(mesh), volume, 0.005 * volume);
}

TEST(MarchingCubes, TorusHasOneHandle) {
  const Lattice lattice = cube_lattice(41);
  const TriangleMesh mesh = marching_cubes(sample(lattice,
                                                  [](const Point& p) {
                                                    const float ring = std::hypot(p.x, p.y) - 0.6f;
                                                    return 1.2f - std::hypot(ring, p.z);
                                                  }),
                                           lattice);
  expect_closed_manifold(mesh);
  EXPECT_EQ(test::euler_characteristic(mesh), 0);
}

/// Two inside corners on a diagonal of a face are joined if the bilinear value at the saddle point is inside.
TEST(MarchingCubes, DiagonalCornersAreJoinedByTheSaddlePoint) {
  const Lattice lattice{.size = {4, 4, 3}, .origin = {0, 0, 0}, .spacing = 1};
  for (const bool joined : {false, true}) {
    Field field(size_t(lattice.count()), 0.0f);
    const float inside = joined ? 1.9f : 1.1f, outside = joined ? 0.9f : 0.1f;
    field[size_t(lattice.index(1, 1, 1))] = field[size_t(lattice.index(2, 2, 1))] = inside;
    field[size_t(lattice.index(1, 2, 1))] = field[size_t(lattice.index(2, 1, 1))] = outside;
    const TriangleMesh mesh = marching_cubes(field, lattice);
    expect_closed_manifold(mesh);
    EXPECT_EQ(topology(mesh).components, joined ? 1 : 2);
  }
}

TEST(MarchingCubes, SameBitsAtAnyThreadCount) {
  const Lattice lattice = cube_lattice(30);
  const Field field = random_field(lattice, 7, false);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const TriangleMesh one = marching_cubes(field, lattice);
  omp_set_num_threads(3);
  const TriangleMesh three = marching_cubes(field, lattice);
  omp_set_num_threads(threads);
  EXPECT_EQ(one.triangles, three.triangles);
  ASSERT_EQ(one.positions.size(), three.positions.size());
  for (size_t i = 0; i < one.positions.size(); ++i) {
    EXPECT_EQ(std::bit_cast<uint32_t>(one.positions[i].x), std::bit_cast<uint32_t>(three.positions[i].x));
  }
}

TEST(Cavities, ClosedOnesAreFilledAndOpenOnesStay) {
  const Lattice lattice = cube_lattice(31);
  const auto shell = [](const Point& p) { return 1.1f - std::abs(length(p) - 0.6f); };
  Field closed = sample(lattice, shell);
  fill_cavities(lattice, &closed);
  const TriangleMesh ball = marching_cubes(closed, lattice);
  EXPECT_EQ(topology(ball).components, 1);
  EXPECT_NEAR(signed_volume(ball), 4.0 / 3 * std::numbers::pi * std::pow(0.7, 3), 0.02);

  Field open = sample(lattice, [&](const Point& p) { return std::hypot(p.x, p.y) < 0.2f && p.z > 0 ? 0 : shell(p); });
  const double volume = signed_volume(marching_cubes(open, lattice));
  fill_cavities(lattice, &open);
  EXPECT_EQ(signed_volume(marching_cubes(open, lattice)), volume);
}

TEST(Cavities, TheBorderBecomesOutside) {
  const Lattice lattice = cube_lattice(9);
  Field field(size_t(lattice.count()), 2.0f);
  fill_cavities(lattice, &field);
  const TriangleMesh mesh = marching_cubes(field, lattice);
  expect_closed_manifold(mesh);
  EXPECT_EQ(topology(mesh).components, 1);
}

/// Against a flood fill sample by sample.
TEST(Cavities, AgreeWithAFloodFill) {
  const Lattice lattice{.size = {17, 14, 15}, .origin = {0, 0, 0}, .spacing = 1};
  Field field(size_t(lattice.count()));
  Rng rng(3, "cavities");
  for (float& value : field) value = rng.chance(0.6) ? 1.5f : 0.5f;
  Field filled = field;
  fill_cavities(lattice, &filled);

  std::vector<char> reached(field.size(), 0);
  std::vector<std::array<int, 3>> open{{0, 0, 0}};
  while (!open.empty()) {
    const auto [x, y, z] = open.back();
    open.pop_back();
    if (x < 0 || y < 0 || z < 0 || x >= lattice.size[0] || y >= lattice.size[1] || z >= lattice.size[2]) continue;
    const size_t i = size_t(lattice.index(x, y, z));
    const bool border =
        x == 0 || y == 0 || z == 0 || x == lattice.size[0] - 1 || y == lattice.size[1] - 1 || z == lattice.size[2] - 1;
    if (reached[i] || (field[i] >= 1 && !border)) continue;
    reached[i] = 1;
    for (const int step : {-1, 1}) {
      open.push_back({x + step, y, z});
      open.push_back({x, y + step, z});
      open.push_back({x, y, z + step});
    }
  }
  for (size_t i = 0; i < field.size(); ++i) EXPECT_EQ(filled[i] < 1, reached[i] != 0) << i;
}

}  // namespace
}  // namespace lucid::mesh
