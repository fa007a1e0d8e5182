// SPDX-License-Identifier: Apache-2.0
// Colours of a mesh from pictures of the Gaussians: a texture or vertex colours whose renders fit the pictures in the
// least-squares sense.
#pragma once

#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct BakeOptions {
  int texture_size = 1024;  // pixels
  int sweeps = 15;          // of the texture's least-squares solver; 0 leaves the projected colours
};

/// The texture of a mesh with uvs and normals. Both sides of a seam get the same colours. What no picture shows gets
/// the colours of the surface around it. Texels outside the charts are filled from the nearest charts, so that minified
/// textures do not darken.
Texture bake_texture(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures, const BakeOptions& options);

/// One colour for each vertex of a mesh with normals; vertices at equal positions get the same.
std::vector<Colour> bake_vertex_colours(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures);

}  // namespace lucid::mesh
