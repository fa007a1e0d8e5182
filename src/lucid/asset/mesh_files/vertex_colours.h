// SPDX-License-Identifier: Apache-2.0
// Colours at vertices: sRGB and linear values, texture look-ups, means where vertices become one.
#pragma once

#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::mesh_files {

/// The transfer function of sRGB (IEC 61966-2-1). A byte comes back exactly.
float linear_from_srgb(uint8_t value);
uint8_t srgb_from_linear(float value);  // clamped; NaN becomes 0

/// The texture's colour at uv, bilinear between texel centres. The texture repeats outside [0, 1].
mesh::Colour texture_at(const mesh::Texture& texture, const Vec2<float>& uv);

/// A mesh with one vertex at each position: colours from the texture or the vertices, averaged over the vertices that
/// become one; normals of the first. Without uvs and texture. Triangles with two equal corners are dropped.
mesh::TriangleMesh welded(const mesh::TriangleMesh& mesh);

}  // namespace lucid::asset::mesh_files
