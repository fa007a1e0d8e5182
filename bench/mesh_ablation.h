// SPDX-License-Identifier: Apache-2.0
// Meshes for comparison: lucid's with settings that users cannot choose, and those of other programs, decimated and
// coloured alike.
#pragma once

#include <vector>

#include "lucid/mesh/extract.h"

namespace lucid::bench {

/// Settings of single stages in place of what extract_mesh() chooses.
struct Ablation {
  double density = 0, hull_alpha = 0;  // of SurfaceOptions
  int sweeps = -1;                     // of BakeOptions; -1 = its default
  bool wanted() const { return density > 0 || hull_alpha > 0 || sweeps >= 0; }
};

/// extract_mesh() with these settings, in the original coordinates.
mesh::TriangleMesh ablated_mesh(const mesh::NormalisedCloud& cloud, const mesh::MeshOptions& options,
                                const Ablation& ablation, mesh::MeshReport* report);

/// A mesh of another program, in the original coordinates. One without colours is welded, decimated to options.faces
/// and gets vertex colours from the same pictures as lucid's own meshes; one with colours stays as it is.
mesh::TriangleMesh outside_mesh(mesh::TriangleMesh mesh, const mesh::NormalisedCloud& cloud,
                                const mesh::MeshOptions& options);

/// Cameras of the normalised cloud that take the same pictures of the original one.
std::vector<Camera> in_original(const mesh::NormalisedCloud& cloud, std::vector<Camera> cameras);

}  // namespace lucid::bench
