// SPDX-License-Identifier: Apache-2.0
// Closed-form meshes for the tests of atlases.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh::atlas_test {

/// A number in [-0.5, 0.5) that depends on the arguments alone.
inline double noise(uint32_t a, uint32_t b) {
  uint32_t h = a * 374761393U + b * 668265263U;
  h = (h ^ (h >> 13)) * 1274126177U;
  return static_cast<double>((h ^ (h >> 16)) & 0xffffff) / 0x1000000 - 0.5;
}

/// A grid of columns x rows quads, split in two; `position(i, j)` gives its vertices. A closed direction joins its last
/// vertices with its first ones.
template <class Position>
TriangleMesh grid(uint32_t columns, uint32_t rows, bool close_columns, bool close_rows, const Position& position) {
  TriangleMesh mesh;
  const uint32_t width = columns + (close_columns ? 0 : 1), height = rows + (close_rows ? 0 : 1);
  for (uint32_t j = 0; j < height; ++j) {
    for (uint32_t i = 0; i < width; ++i) mesh.positions.push_back(position(i, j));
  }
  const auto at = [&](uint32_t i, uint32_t j) { return (j % height) * width + i % width; };
  for (uint32_t j = 0; j < rows; ++j) {
    for (uint32_t i = 0; i < columns; ++i) {
      mesh.triangles.push_back({at(i, j), at(i + 1, j), at(i + 1, j + 1)});
      mesh.triangles.push_back({at(i, j), at(i + 1, j + 1), at(i, j + 1)});
    }
  }
  return mesh;
}

inline Point point(double x, double y, double z) {
  return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(z)};
}

/// Heights are random in +-height / 2.
inline TriangleMesh plane(uint32_t n, double height = 0) {
  return grid(n, n, false, false,
              [&](uint32_t i, uint32_t j) { return point(2.0 * i / n - 1, 2.0 * j / n - 1, height * noise(i, j)); });
}

inline TriangleMesh torus(uint32_t around, uint32_t across, double roughness = 0) {
  return grid(around, across, true, true, [&](uint32_t i, uint32_t j) {
    const double a = 2 * std::numbers::pi * i / around, b = 2 * std::numbers::pi * j / across;
    const double r = 0.3 * (1 + 0.1 * std::sin(5 * a) * std::sin(3 * b)) + roughness * noise(i, j);
    return point((0.7 + r * std::cos(b)) * std::cos(a), (0.7 + r * std::cos(b)) * std::sin(a), r * std::sin(b));
  });
}

/// Open at both ends.
inline TriangleMesh cylinder(uint32_t around, uint32_t along, double radius, double length) {
  return grid(around, along, true, false, [&](uint32_t i, uint32_t j) {
    const double a = 2 * std::numbers::pi * i / around;
    return point(radius * std::cos(a), radius * std::sin(a), length * j / along);
  });
}

/// A sphere of the unit radius with longitudes and latitudes, without duplicate vertices.
inline TriangleMesh sphere(uint32_t around, uint32_t across, double roughness = 0) {
  TriangleMesh mesh = grid(around, across - 2, true, false, [&](uint32_t i, uint32_t j) {
    const double a = 2 * std::numbers::pi * i / around, b = std::numbers::pi * (j + 1) / across;
    const double r = 1 + roughness * noise(i, j);
    return point(r * std::sin(b) * std::cos(a), r * std::sin(b) * std::sin(a), -r * std::cos(b));
  });
  const auto south = static_cast<uint32_t>(mesh.positions.size()), last = around * (across - 2);
  mesh.positions.push_back({0, 0, -1});
  mesh.positions.push_back({0, 0, 1});
  for (uint32_t i = 0; i < around; ++i) {
    const uint32_t next = (i + 1) % around;
    mesh.triangles.push_back({south, next, i});
    mesh.triangles.push_back({south + 1, last + i, last + next});
  }
  return mesh;
}

inline TriangleMesh cube() {
  TriangleMesh mesh;
  for (int i = 0; i < 8; ++i) mesh.positions.push_back(point(i & 1, (i >> 1) & 1, i >> 2));
  mesh.triangles = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6}, {0, 1, 5}, {0, 5, 4},
                    {2, 6, 7}, {2, 7, 3}, {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
  return mesh;
}

/// Triangles without common vertices at random places.
inline TriangleMesh soup(uint32_t count) {
  TriangleMesh mesh;
  for (uint32_t v = 0; v < 3 * count; ++v) mesh.positions.push_back(point(noise(v, 0), noise(v, 1), noise(v, 2)));
  for (uint32_t f = 0; f < count; ++f) mesh.triangles.push_back({3 * f, 3 * f + 1, 3 * f + 2});
  return mesh;
}

/// Random triples of few vertices: edges of many triangles, repeated vertices, repeated triangles.
inline TriangleMesh tangle(uint32_t vertices, uint32_t count) {
  TriangleMesh mesh;
  for (uint32_t v = 0; v < vertices; ++v) mesh.positions.push_back(point(noise(v, 3), noise(v, 4), noise(v, 5)));
  const auto pick = [&](uint32_t f, uint32_t c) { return static_cast<uint32_t>((noise(f, c) + 0.5) * vertices); };
  for (uint32_t f = 0; f < count; ++f) mesh.triangles.push_back({pick(f, 6), pick(f, 7), pick(f, 8)});
  return mesh;
}

/// Both meshes, the second one moved along x.
inline TriangleMesh with(TriangleMesh a, const TriangleMesh& b, double shift) {
  const auto first = static_cast<uint32_t>(a.positions.size());
  for (const Point& p : b.positions) a.positions.push_back(p + point(shift, 0, 0));
  for (const Triangle& t : b.triangles) a.triangles.push_back({first + t[0], first + t[1], first + t[2]});
  return a;
}

}  // namespace lucid::mesh::atlas_test
