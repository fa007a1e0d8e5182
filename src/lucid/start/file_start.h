// SPDX-License-Identifier: Apache-2.0
// The initial Gaussians from a file of geometry: a mesh, points, or Gaussians.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lucid/gaussians/cloud.h"
#include "lucid/gaussians/start_options.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::start {

struct FileStart {
  gaussians::Cloud cloud;
  std::string about;                  // "mesh of 1200 triangles, textured"
  std::vector<std::string> warnings;  // sentences about what was left out
};

/// Reads options.file. What it holds is told from its content: Gaussians (any format of read_splats()), a mesh (any
/// extension of read_mesh()), or a PLY of points.
///   mesh       sampled by area at options.count points, which become flat Gaussians in the surface's plane
///   points     one Gaussian each, flat where the file has normals; more than options.count are thinned out
///   Gaussians  as they are
/// Then turned, fitted and scaled by the options file_*; file_resample brings points and Gaussians to options.count.
/// SH coefficients have options.sh_degree. World axes; a pure function of the options and the file. Throws UserError.
FileStart read_start(const gaussians::StartOptions& options);

/// options.count flat Gaussians on a mesh in world axes, neither turned nor fitted; SH of degree 0. None if the mesh
/// has no area.
std::optional<gaussians::Cloud> gaussians_on(const mesh::TriangleMesh& mesh, const gaussians::StartOptions& options);

}  // namespace lucid::start
