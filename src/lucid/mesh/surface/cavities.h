// SPDX-License-Identifier: Apache-2.0
// Filling of closed cavities: an opaque shell of Gaussians would otherwise get walls on its inside that no view sees.
#pragma once

#include "lucid/mesh/surface/lattice.h"

namespace lucid::mesh {

/// Makes those samples inside (value >= 1) that are outside, but not connected with the lattice's border through
/// outside samples that are neighbours along an axis. The border itself becomes outside (value 0).
void fill_cavities(const Lattice& lattice, Field* field);

}  // namespace lucid::mesh
