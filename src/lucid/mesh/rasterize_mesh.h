// SPDX-License-Identifier: Apache-2.0
// A z-buffer rasteriser of triangle meshes on CPU threads: which triangle a pixel sees, where on it, and how far away.
#pragma once

#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct MeshPicture {
  int width = 0, height = 0;
  std::vector<int32_t> triangle;         // [H,W] index of the nearest triangle at the pixel's centre, -1 = none
  std::vector<float> depth;              // [H,W] camera z there; infinity = none
  std::vector<Vec2<float>> barycentric;  // [H,W] perspective-correct weights of the triangle's second and third vertex
};

/// Both sides of a triangle are seen. Pixel (x, y) has its centre at (x + 0.5, y + 0.5), as in the Gaussian rasteriser;
/// top-left fill rule. Triangles that reach behind the near plane are left out. Deterministic at any thread count.
MeshPicture rasterize_mesh(const std::vector<Point>& positions, const std::vector<Triangle>& triangles,
                           const Camera& camera);

/// Colour and coverage of a mesh's texture or vertex colours (white without either), unlit.
struct ShadedPicture {
  std::vector<float> rgb;    // [3,H,W] over the background, display values
  std::vector<float> alpha;  // [H,W] share of the pixel that is covered
};
/// Renders at `supersampling` times the camera's size and averages. Textures are read bilinearly, from the mip level of
/// the pixel's footprint.
ShadedPicture shade(const TriangleMesh& mesh, const Camera& camera, const std::array<float, 3>& background,
                    int supersampling = 2);

/// White faces with shading by the normal and dark edges, for pictures of the mesh itself. [3,H,W] over white.
std::vector<float> wireframe(const TriangleMesh& mesh, const Camera& camera, int supersampling = 2);

}  // namespace lucid::mesh
