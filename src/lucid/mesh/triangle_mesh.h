// SPDX-License-Identifier: Apache-2.0
// TriangleMesh: indexed triangles with optional normals, texture coordinates, vertex colours and a texture.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lucid/math/vec.h"

namespace lucid::mesh {

using Point = Vec3<float>;
using Triangle = std::array<uint32_t, 3>;  // vertex indices, counter-clockwise seen from outside
using Colour = std::array<uint8_t, 3>;     // red, green, blue: display values (sRGB-encoded)

/// An RGB image, rows from the top.
struct Texture {
  int width = 0, height = 0;   // pixels
  std::vector<Colour> pixels;  // [height * width]
};

/// Arrays of V vertices are empty or have V elements. World axes: z up, +y the front.
struct TriangleMesh {
  std::vector<Point> positions;     // [V] world units
  std::vector<Triangle> triangles;  // [F]
  std::vector<Point> normals;       // [V] unit length, or empty
  std::vector<Vec2<float>> uvs;     // [V] in [0, 1], (0, 0) is the texture's top left corner as in glTF; or empty
  std::vector<Colour> colours;      // [V] or empty
  Texture texture;                  // of the uvs; width 0 means none
};

/// Unit normals at the vertices: averages of the adjacent triangles' normals weighted by their angle at the vertex.
/// Vertices at equal positions (a texture's seams) get one normal. A vertex without area gets (0, 0, 1).
std::vector<Point> vertex_normals(const TriangleMesh& mesh);

/// What a mesh's connections are, with vertices at equal positions taken as one.
struct Topology {
  int64_t components = 0;          // connected by vertices
  int64_t border_edges = 0;        // edges of one triangle
  int64_t non_manifold_edges = 0;  // edges of more than two triangles, or of two that disagree about the outside
  bool closed() const { return border_edges == 0 && non_manifold_edges == 0; }
};
Topology topology(const TriangleMesh& mesh);

/// Signed volume: positive if the triangles of a closed mesh are counter-clockwise seen from outside.
double signed_volume(const TriangleMesh& mesh);

}  // namespace lucid::mesh
