// SPDX-License-Identifier: Apache-2.0
// Test helpers of the surface: clouds that own their arrays, fields of known shapes, and a check of closed meshes that
// shares no code with the repair.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "lucid/mesh/surface/lattice.h"
#include "lucid/mesh/triangle_mesh.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh::test {

struct Cloud {
  std::vector<float> means, scales, quats, opacities, sh;

  void add(const Point& mean, const Point& scale, float opacity, const std::array<float, 4>& quat = {1, 0, 0, 0},
           const std::array<float, 3>& colour = {0, 0, 0}) {
    means.insert(means.end(), {mean.x, mean.y, mean.z});
    scales.insert(scales.end(), {scale.x, scale.y, scale.z});
    quats.insert(quats.end(), quat.begin(), quat.end());
    opacities.push_back(opacity);
    sh.insert(sh.end(), colour.begin(), colour.end());
  }
  render::CloudView<float> view() const {
    return {.count = int64_t(opacities.size()),
            .sh_degree = 0,
            .means = means.data(),
            .scales = scales.data(),
            .quats = quats.data(),
            .opacities = opacities.data(),
            .sh = sh.data()};
  }
};

/// The values of a function of the point on a lattice.
template <class Function>
Field sample(const Lattice& lattice, const Function& function) {
  Field field;
  for (int z = 0; z < lattice.size[2]; ++z) {
    for (int y = 0; y < lattice.size[1]; ++y) {
      for (int x = 0; x < lattice.size[0]; ++x) {
        field.push_back(float(function(lattice.at(float(x), float(y), float(z)))));
      }
    }
  }
  return field;
}

/// A cube of `side` samples from -1 to 1.
inline Lattice cube_lattice(int side) {
  return {.size = {side, side, side}, .origin = {-1, -1, -1}, .spacing = 2.0f / float(side - 1)};
}

inline float length(const Point& p) { return std::sqrt(dot(p, p)); }

/// Every edge has two triangles with opposite directions, every vertex one fan of triangles, and no two vertices are at
/// the same position.
inline void expect_closed_manifold(const TriangleMesh& mesh) {
  std::map<std::pair<uint32_t, uint32_t>, int> directed;
  std::vector<std::map<uint32_t, uint32_t>> after(mesh.positions.size());  // of a vertex: neighbour to next neighbour
  std::set<std::array<float, 3>> places;
  for (const Point& p : mesh.positions) places.insert({p.x, p.y, p.z});
  EXPECT_EQ(places.size(), mesh.positions.size()) << "vertices at equal positions";
  int64_t faults = 0;
  for (const Triangle& t : mesh.triangles) {
    for (size_t k = 0; k < 3; ++k) {
      faults += ++directed[{t[k], t[(k + 1) % 3]}] != 1;
      after[t[k]][t[(k + 1) % 3]] = t[(k + 2) % 3];
    }
  }
  for (const auto& [edge, count] : directed) faults += !directed.contains({edge.second, edge.first});
  EXPECT_EQ(faults, 0) << "edges without exactly two triangles of opposite directions";
  if (faults > 0) return;
  int64_t pinched = 0;
  for (const auto& next : after) {
    if (next.empty()) continue;
    size_t steps = 1;
    for (uint32_t v = next.begin()->second; v != next.begin()->first; v = next.at(v)) ++steps;
    pinched += steps != next.size();
  }
  EXPECT_EQ(pinched, 0) << "vertices with several fans";
}

/// Vertices in use - edges + triangles of a closed mesh: 2 for each sphere, 0 for a torus.
inline int64_t euler_characteristic(const TriangleMesh& mesh) {
  std::set<uint32_t> used;
  for (const Triangle& t : mesh.triangles) used.insert(t.begin(), t.end());
  return int64_t(used.size()) - int64_t(mesh.triangles.size()) / 2;
}

}  // namespace lucid::mesh::test
