// SPDX-License-Identifier: Apache-2.0
// Merging: unfolds neighbouring flat charts into one where that costs little stretch.
#pragma once

#include "lucid/mesh/atlas/chart.h"

namespace lucid::mesh {

/// Joins pairs of charts along a common border, those with the longest common border relative to their perimeter first.
/// The second chart is moved to the first one's border, and both are relaxed. A pair is joined if the result is not
/// flipped, does not overlap itself and is stretched little. Fewer charts mean fewer seams and less empty gutter.
/// Uses all threads; the result does not depend on their number.
std::vector<Chart> merge(const TriangleMesh& mesh, const Neighbours& neighbours, std::vector<Chart> charts);

}  // namespace lucid::mesh
