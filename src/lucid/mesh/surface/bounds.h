// SPDX-License-Identifier: Apache-2.0
// The lattice for the surface of a cloud.
#pragma once

#include "lucid/mesh/surface/hull.h"
#include "lucid/mesh/surface/lattice.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {

/// A lattice around the part of the cloud that can have a surface: Gaussians count as far as 3 standard deviations, but
/// not where the hull is nearly transparent. `resolution` is the number of cells along the box's longest side, to which
/// a margin is added. All sizes are 0 if there is no such part.
Lattice lattice_around(const render::CloudView<float>& cloud, const Hull& hull, int resolution);

}  // namespace lucid::mesh
