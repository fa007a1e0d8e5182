// SPDX-License-Identifier: Apache-2.0
// A picture sheet of meshes: for each asset the Gaussians, the mesh, its wireframe and a part of that enlarged.
#pragma once

#include <string>
#include <vector>

#include "lucid/mesh/normalise.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::bench {

/// Writes one asset's row as a PNG. `mesh` in the coordinates of `cloud`, whose normalised form gives the views.
void write_sheet_row(const std::string& file, const render::CloudView<float>& cloud,
                     const mesh::NormalisedCloud& normal, const mesh::TriangleMesh& mesh);

/// Joins rows to one PNG, and removes their files.
void join_sheet(const std::string& file, const std::vector<std::string>& rows);

}  // namespace lucid::bench
