// SPDX-License-Identifier: Apache-2.0
// Search of the surface's levels tau and a by the outlines of pictures.
#pragma once

#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/surface/lattice.h"

namespace lucid::mesh {

struct Levels {
  float density = 0, hull_alpha = 0;  // tau and a
  double iou = 0;                     // of the outlines with the masks alpha > 0.5, over all pictures
};

/// The smallest density level that the search tries.
float lowest_density_level();

/// The levels whose surface min(f / tau, A / a) = 1 has the outlines nearest to the masks alpha > 0.5 of the pictures,
/// without a mesh: on each pixel's ray the largest density among the points with A >= a is found for every a; a pixel
/// is covered at all tau below that. A level in `fixed` that is not 0 is kept.
Levels search_levels(const Field& density, const Field& hull, const Lattice& lattice,
                     const std::vector<const CloudPicture*>& pictures, const Levels& fixed);

/// IoU of the outlines of the surface where a field is 1 with the masks alpha > 0.5, over all pictures.
double outline_iou(const Field& field, const Lattice& lattice, const std::vector<const CloudPicture*>& pictures);

}  // namespace lucid::mesh
