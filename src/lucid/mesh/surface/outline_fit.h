// SPDX-License-Identifier: Apache-2.0
// Fits the surface where a field is 1 to the outlines of pictures.
#pragma once

#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/surface/lattice.h"

namespace lucid::mesh {

/// Multiplies the field's values so that a pixel's ray meets a value >= 1 where the pixel's alpha is above 0.5, and
/// nowhere else. A ray that misses the surface but should not raises the field at its largest value; one that meets it
/// but should not lowers the field wherever it is >= 1. A sample is changed by the average over all rays. This is an
/// algebraic reconstruction technique (Gordon et al. 1970) for projections by the maximum.
void fit_outlines(const std::vector<const CloudPicture*>& pictures, const Lattice& lattice, Field* field);

}  // namespace lucid::mesh
