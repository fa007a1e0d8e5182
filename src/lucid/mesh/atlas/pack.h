// SPDX-License-Identifier: Apache-2.0
// Packing: places charts in a square texture at one scale, with empty texels between them.
#pragma once

#include "lucid/mesh/atlas/atlas.h"
#include "lucid/mesh/atlas/chart.h"

namespace lucid::mesh {

/// Replaces the charts' uv by texture coordinates in [0, 1], (0, 0) the top left corner. All charts get the same scale,
/// the largest one found with which they fit; each is turned by any angle and never mirrored. `gutter` texels between
/// the texels that two charts touch stay empty, and half as many at the texture's border. If there are more charts than
/// the texture has room for, the gutter shrinks, at last below a texel; charts never overlap.
void pack(std::vector<Chart>& charts, const AtlasOptions& options);

}  // namespace lucid::mesh
