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

/// Bounds of a chart's stretch, the larger one of both directions, by area.
struct StretchLimits {
  double mean, large, large_share;  // at most large_share of the area is stretched more than `large`
};
struct ChartLimits {
  StretchLimits stretch;
  double mesh_area;  // bounds the length of thin charts, which would limit the scale of all
};

/// True if a chart without flipped triangles keeps the limits and covers no point of the plane twice.
bool acceptable(const TriangleMesh& mesh, const Chart& chart, const ChartLimits& limits);

/// True if a chart without flipped triangles covers no point twice: its border does not cross itself, and the angles at
/// each vertex make at most one turn.
bool injective(const Chart& chart);

/// Directed edges of the chart that have a triangle on their left only. [edges] vertices of the chart.
std::vector<std::array<uint32_t, 2>> border_of(const Chart& chart);

}  // namespace lucid::mesh
