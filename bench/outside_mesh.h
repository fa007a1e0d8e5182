// SPDX-License-Identifier: Apache-2.0
// Meshes of other programs for comparison, decimated and coloured as lucid's own.
#pragma once

#include <vector>

#include "lucid/mesh/extract.h"

namespace lucid::bench {

/// A mesh of another program, in the original coordinates. One without colours is welded, decimated to options.faces
/// and gets vertex colours from the same pictures as lucid's own meshes; one with colours stays as it is.
mesh::TriangleMesh outside_mesh(mesh::TriangleMesh mesh, const mesh::NormalisedCloud& cloud,
                                const mesh::MeshOptions& options);

/// Cameras of the normalised cloud that take the same pictures of the original one.
std::vector<Camera> in_original(const mesh::NormalisedCloud& cloud, std::vector<Camera> cameras);

}  // namespace lucid::bench
