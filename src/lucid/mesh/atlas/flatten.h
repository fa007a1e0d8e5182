// SPDX-License-Identifier: Apache-2.0
// Flattening: regions of a mesh to charts in the plane that keep lengths, without flipped or overlapping triangles.
#pragma once

#include "lucid/mesh/atlas/chart.h"

namespace lucid::mesh {

/// Flattens each region: projection on its mean plane, then relaxation. A region that stays flipped, overlaps itself or
/// stretches too much is split in two, down to single triangles if needed. Uses all threads; the result does not depend
/// on their number.
std::vector<Chart> flatten(const TriangleMesh& mesh, const Neighbours& neighbours,
                           const std::vector<std::vector<uint32_t>>& regions);

/// True if every triangle of the relaxed chart keeps lengths well enough.
bool low_stretch(const TriangleMesh& mesh, const Chart& chart);

/// True if a chart without flipped triangles covers no point twice: its border does not cross itself, and no edge has
/// more than two triangles.
bool injective(const Chart& chart);

/// Directed edges of the chart that have a triangle on their left only. [edges] vertices of the chart.
std::vector<std::array<uint32_t, 2>> border_of(const Chart& chart);

}  // namespace lucid::mesh
