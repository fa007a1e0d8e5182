// SPDX-License-Identifier: Apache-2.0
// Computes missing vertex normals of a mesh, by smoothing group and crease angle.
#pragma once

#include <vector>

#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// A corner without a normal (index -1, or length 0) gets the area-weighted mean of the face normals around its vertex
/// that belong to its smoothing group and differ from its own by less than 70 degrees. In group 0 corners get the
/// normal of their face. `groups`: the smoothing group of each triangle.
void fill_missing_normals(Mesh& mesh, const std::vector<unsigned>& groups);

}  // namespace lucid::corpus
