// SPDX-License-Identifier: Apache-2.0
// Seams of a texture: along an edge where two charts meet, both sides must show the same colour.
#pragma once

#include <array>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

/// One point of a seam: the sum of weight * texel is the colour on one side minus that on the other, both read
/// bilinearly from the finest level.
struct SeamRow {
  std::array<int32_t, 8> texel{};
  std::array<float, 8> weight{};
};

/// Points along all seams, two for each texel's length. `size` is the texture's.
std::vector<SeamRow> seam_rows(const TriangleMesh& mesh, int size);

/// Changes the texels by little so that both sides of every seam agree: repeated projections onto one equation after
/// another (Kaczmarz 1937) and onto [0, 1]. `texels` is one colour. [size * size]
void close_seams(const std::vector<SeamRow>& rows, std::vector<float>* texels);

}  // namespace lucid::mesh
