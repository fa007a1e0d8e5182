// SPDX-License-Identifier: Apache-2.0
// Points spread over the surface of a mesh, each with its normal and its colour.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::start {

using DisplayColour = std::array<float, 3>;  // red, green, blue in [0, 1], sRGB-encoded

struct SurfaceSamples {
  std::vector<mesh::Point> positions;  // [N]
  std::vector<mesh::Point> normals;    // [N] unit length, of the triangle
  std::vector<DisplayColour> colours;  // [N], or empty for a mesh without colours
  double area = 0;                     // of the mesh
};

/// `count` points, uniform by area and stratified: each lies in its own count-th part of the area, in the order of the
/// triangles. Colours come from the texture, averaged over the texels that a point stands for, or from the vertices.
/// Area 0 gives no points.
SurfaceSamples sample_surface(const mesh::TriangleMesh& mesh, int64_t count, Rng& rng);

}  // namespace lucid::start
