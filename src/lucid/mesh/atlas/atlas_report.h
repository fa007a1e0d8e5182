// SPDX-License-Identifier: Apache-2.0
// Measures an atlas from its final texture coordinates alone.
#pragma once

#include "lucid/mesh/atlas/atlas.h"

namespace lucid::mesh {

/// Figures of the mesh's uvs. Charts are what is connected by edges with equal vertices. A triangle is flipped if it is
/// mirrored in the texture by more than the rounding of float coordinates. Texels are counted at their centres, with
/// the rule that a centre on an edge belongs to one of its two triangles. The stretch is relative to the mean scale.
AtlasReport measure_atlas(const TriangleMesh& mesh, int texture_size);

/// The triangle at each texel's centre, -1 for none; of several the first. Row 0 is the top of the texture.
/// `overlapping`, if not null, receives the number of texels that more than one triangle covers.
std::vector<int32_t> triangles_at_texels(const TriangleMesh& mesh, int texture_size, int64_t* overlapping = nullptr);

/// The chart of each triangle, numbered from 0.
std::vector<int32_t> charts_of(const TriangleMesh& mesh);

}  // namespace lucid::mesh
