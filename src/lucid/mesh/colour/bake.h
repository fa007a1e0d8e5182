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
  int sweeps = 15;          // of the least-squares solver, from projected colours as the start
};

/// The texture of a mesh with uvs and normals. Texels outside the charts are filled from the nearest charts, so that
/// minified textures do not darken.
Texture bake_texture(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures, const BakeOptions& options);

/// One colour for each vertex of a mesh with normals.
std::vector<Colour> bake_vertex_colours(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures,
                                        const BakeOptions& options);

}  // namespace lucid::mesh
