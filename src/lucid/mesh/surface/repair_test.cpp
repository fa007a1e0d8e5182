// SPDX-License-Identifier: Apache-2.0
// Repair, decimation and components, on meshes with known faults and on random ones.
#include "lucid/mesh/surface/repair.h"

#include <gtest/gtest.h>

#include <numbers>

#include "lucid/base/rng.h"
#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/surface/components.h"
#include "lucid/mesh/surface/decimate.h"
#include "lucid/mesh/surface/marching_cubes.h"
#include "lucid/mesh/surface/surface_test_support.h"

namespace lucid::mesh {
namespace {

using test::cube_lattice;
using test::expect_closed_manifold;
using test::length;
using test::sample;

constexpr float kClearance = 1e-4f;

void add_tetrahedron(TriangleMesh* mesh, const std::array<uint32_t, 4>& v) {
  for (const Triangle& t : {Triangle{v[0], v[2], v[1]}, Triangle{v[0], v[1], v[3]}, Triangle{v[1], v[2], v[3]},
                            Triangle{v[2], v[0], v[3]}}) {
    mesh->triangles.push_back(t);
  }
}

/// Two tetrahedra that share the vertices 0 … `shared` - 1.
TriangleMesh two_tetrahedra(size_t shared) {
  TriangleMesh mesh;
  mesh.positions = {{0, 0, 0}, {0, 0, 1}, {1, 0, 0}, {0, 1, 0}, {-1, 0, 0}, {0, -1, 0}, {0, 0, 2}};
  add_tetrahedron(&mesh, {0, 2, 3, 1});
  if (shared == 2) add_tetrahedron(&mesh, {0, 4, 5, 1});
  if (shared == 1) add_tetrahedron(&mesh, {1, 4, 5, 6});
  if (signed_volume(mesh) < 0) ADD_FAILURE() << "inside out";
  return mesh;
}

TEST(Repair, SharedVertexAndEdgeAreSplit) {
  for (const size_t shared : {1u, 2u}) {
    TriangleMesh mesh = two_tetrahedra(shared);
    const double volume = signed_volume(mesh);
    EXPECT_FALSE(is_closed_manifold(mesh));
    make_manifold(kClearance, &mesh);
    expect_closed_manifold(mesh);
    EXPECT_TRUE(is_closed_manifold(mesh));
    EXPECT_EQ(topology(mesh).components, 2);
    EXPECT_EQ(mesh.triangles.size(), 8u);
    EXPECT_NEAR(signed_volume(mesh), volume, 1e-3);
    EXPECT_LT(signed_volume(mesh), volume) << "the copies move into the solid";
  }
}

/// Tetrahedra around one edge come apart whatever the order of their triangles: the angles decide.
TEST(Repair, TetrahedraAroundAnEdgeAreSplitByAngle) {
  TriangleMesh mesh;
  mesh.positions = {{0, 0, 0}, {0, 0, 1}};
  for (int i = 0; i < 6; ++i) {
    const float angle = float(i) * float(std::numbers::pi) / 3;
    mesh.positions.push_back({std::cos(angle), std::sin(angle), 0.5f});
  }
  for (uint32_t i = 2; i < 8; i += 2) add_tetrahedron(&mesh, {0, i, i + 1, 1});
  const double volume = signed_volume(mesh);
  ASSERT_GT(volume, 0);
  Rng rng(9, "order");
  for (int trial = 0; trial < 20; ++trial) {
    TriangleMesh shuffled = mesh;
    for (size_t i = shuffled.triangles.size(); i > 1; --i) {
      std::swap(shuffled.triangles[i - 1], shuffled.triangles[size_t(rng.integer(0, int64_t(i)))]);
    }
    make_manifold(kClearance, &shuffled);
    expect_closed_manifold(shuffled);
    EXPECT_EQ(topology(shuffled).components, 3);
    EXPECT_EQ(shuffled.triangles.size(), 12u);
    EXPECT_NEAR(signed_volume(shuffled), volume, 1e-3);
  }
}

TEST(Repair, FoldedPairsAndDegenerateTrianglesAreDropped) {
  TriangleMesh mesh;
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}};
  add_tetrahedron(&mesh, {0, 1, 2, 3});
  mesh.triangles.push_back({1, 4, 2});
  mesh.triangles.push_back({4, 1, 2});
  mesh.triangles.push_back({0, 0, 1});
  make_manifold(kClearance, &mesh);
  expect_closed_manifold(mesh);
  EXPECT_EQ(mesh.triangles.size(), 4u);
}

/// A double cone around an edge whose two fans meet at both ends: two edges connect the same two vertices.
TEST(Repair, RepeatedEdgeGetsAVertex) {
  TriangleMesh mesh = marching_cubes(sample(cube_lattice(21),
                                            [](const Point& p) {
                                              const float ring = std::hypot(p.x, p.y) - 0.55f;
                                              return 1.2f - std::hypot(ring, p.z);
                                            }),
                                     cube_lattice(21));
  // Collapse the torus's inner half into one edge along z: the hole closes to a line.
  const auto top = uint32_t(mesh.positions.size()), bottom = top + 1;
  mesh.positions.push_back({0, 0, 0.1f});
  mesh.positions.push_back({0, 0, -0.1f});
  for (Triangle& t : mesh.triangles) {
    for (uint32_t& v : t) {
      const Point& p = mesh.positions[v];
      if (v < top && std::hypot(p.x, p.y) < 0.5f) v = p.z > 0 ? top : bottom;
    }
  }
  make_manifold(kClearance, &mesh);
  expect_closed_manifold(mesh);
}

TEST(Repair, RandomCollapsesStayClosed) {
  const Lattice lattice = cube_lattice(17);
  for (uint64_t seed = 0; seed < 4; ++seed) {
    Rng rng(seed, "collapses");
    Field field(size_t(lattice.count()), 0.0f);
    for (int z = 1; z < 16; ++z) {
      for (int y = 1; y < 16; ++y) {
        for (int x = 1; x < 16; ++x) field[size_t(lattice.index(x, y, z))] = float(rng.uniform(0, 2.2));
      }
    }
    TriangleMesh mesh = marching_cubes(field, lattice);
    std::vector<uint32_t> target(mesh.positions.size());
    for (uint32_t v = 0; v < target.size(); ++v) target[v] = v;
    for (const Triangle& t : mesh.triangles) {
      if (rng.chance(0.25)) target[t[1]] = t[0];
    }
    for (Triangle& t : mesh.triangles) {
      for (uint32_t& v : t) v = target[v];
    }
    EXPECT_FALSE(is_closed_manifold(mesh));
    make_manifold(kClearance, &mesh);
    EXPECT_GT(mesh.triangles.size(), 1000u);
    expect_closed_manifold(mesh);
  }
}

TEST(Repair, VerticesAtEqualPositionsAreMovedApart) {
  TriangleMesh mesh = two_tetrahedra(0);
  mesh.positions.push_back(mesh.positions[3]);
  mesh.positions.push_back(mesh.positions[3]);
  mesh.positions.push_back({2, 2, 2});
  mesh.positions.push_back({2, 3, 2});
  add_tetrahedron(&mesh, {7, 9, 10, 8});
  make_manifold(kClearance, &mesh);
  expect_closed_manifold(mesh);
}

TEST(Repair, CheckSeesEachFault) {
  const TriangleMesh good = two_tetrahedra(0);
  EXPECT_TRUE(is_closed_manifold(good));
  TriangleMesh open = good;
  open.triangles.pop_back();
  EXPECT_FALSE(is_closed_manifold(open));
  TriangleMesh turned = good;
  std::swap(turned.triangles[0][0], turned.triangles[0][1]);
  EXPECT_FALSE(is_closed_manifold(turned));
  EXPECT_FALSE(is_closed_manifold(two_tetrahedra(1)));
  TriangleMesh doubled = good;
  doubled.positions[3] = doubled.positions[2];
  EXPECT_FALSE(is_closed_manifold(doubled));
}

TEST(Decimate, KeepsShapeAndClosedness) {
  const Lattice lattice = cube_lattice(65);
  TriangleMesh mesh = marching_cubes(sample(lattice, [](const Point& p) { return 1.7f - length(p); }), lattice);
  ASSERT_GT(mesh.triangles.size(), 10000u);
  decimate(1000, kClearance, &mesh);
  EXPECT_LE(mesh.triangles.size(), 1000u);
  EXPECT_GT(mesh.triangles.size(), 900u);
  expect_closed_manifold(mesh);
  const double volume = 4.0 / 3 * std::numbers::pi * std::pow(0.7, 3);
  EXPECT_NEAR(signed_volume(mesh), volume, 0.02 * volume);
}

TEST(Decimate, HoldsTheLimitOnPorousMeshes) {
  const Lattice lattice = cube_lattice(25);
  Rng rng(5, "porous");
  Field field(size_t(lattice.count()), 0.0f);
  for (int z = 1; z < 24; ++z) {
    for (int y = 1; y < 24; ++y) {
      for (int x = 1; x < 24; ++x) field[size_t(lattice.index(x, y, z))] = float(rng.uniform(0, 1.4));
    }
  }
  const TriangleMesh raw = marching_cubes(field, lattice);
  for (const int64_t faces : {8000, 2000, 100}) {
    TriangleMesh mesh = raw;
    decimate(faces, kClearance, &mesh);
    EXPECT_LE(int64_t(mesh.triangles.size()), faces);
    EXPECT_FALSE(mesh.triangles.empty());
    expect_closed_manifold(mesh);
  }
}

/// A sphere of the given radius around a point, added to a mesh.
void add_sphere(const Point& centre, float radius, TriangleMesh* mesh) {
  const Lattice lattice = cube_lattice(17);
  const TriangleMesh ball = marching_cubes(sample(lattice, [](const Point& p) { return 1.8f - length(p); }), lattice);
  const auto first = uint32_t(mesh->positions.size());
  for (const Point& p : ball.positions) mesh->positions.push_back(centre + (radius / 0.8f) * p);
  for (const Triangle& t : ball.triangles) mesh->triangles.push_back({first + t[0], first + t[1], first + t[2]});
}

TEST(Components, KeptByAreaAndByWhatIsSeen) {
  TriangleMesh mesh;
  add_sphere({0, 0, 0}, 0.5f, &mesh);        // large
  add_sphere({0.8f, 0, 0}, 0.021f, &mesh);   // 0.18 % of the area, 0.18 % of the pixels: seen enough
  add_sphere({-0.8f, 0, 0}, 0.004f, &mesh);  // too small for both
  add_sphere({0, 0.1f, 0.1f}, 0.2f, &mesh);  // hidden in the large one
  const std::vector<Camera> cameras = cameras_around(16, 4, 0.7, 512, 0);
  const ComponentCounts counts = drop_small_components(cameras, &mesh);
  EXPECT_EQ(counts.all, 4);
  EXPECT_EQ(counts.kept, 2);
  expect_closed_manifold(mesh);
  for (const Point& p : mesh.positions) {
    EXPECT_TRUE(std::abs(length(p) - 0.5f) < 0.02f || length(p - Point{0.8f, 0, 0}) < 0.03f);
  }
}

TEST(Components, SmallestIsDroppedUnlessItIsTheOnlyOne) {
  TriangleMesh mesh = two_tetrahedra(0);
  EXPECT_FALSE(drop_smallest_component(&mesh));
  add_sphere({3, 0, 0}, 0.5f, &mesh);
  EXPECT_TRUE(drop_smallest_component(&mesh));
  EXPECT_GT(mesh.triangles.size(), 4u);
  for (const Point& p : mesh.positions) EXPECT_GT(p.x, 2.4f);
}

}  // namespace
}  // namespace lucid::mesh
