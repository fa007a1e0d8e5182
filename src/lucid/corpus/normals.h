// SPDX-License-Identifier: Apache-2.0
// Normals for the corners of a mesh that came without.
#pragma once

#include <vector>

#include "lucid/corpus/mesh.h"

namespace lucid::corpus {

/// A corner without a normal (index -1, or one of length 0) gets the area-weighted mean over the faces of its smoothing
/// group around it that bend away by less than a right angle or so; group 0 stays flat. `groups`: one a triangle.
void fill_missing_normals(Mesh& mesh, const std::vector<unsigned>& groups);

}  // namespace lucid::corpus
