// SPDX-License-Identifier: Apache-2.0
// The surface of a Gaussian cloud as triangles: where min(f / tau, A / a) = 1, with the density f = sum of opacity * G
// and the smallest alpha A over the views (a soft visual hull), then corrected by the outlines in the pictures.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct SurfaceOptions {
  int resolution = 256;     // grid cells along the longest side of the cloud's box; needs up to 12 bytes for each cell
  int64_t faces = 30000;    // triangles after decimation, at most
  bool watertight = false;  // check that the result is closed and manifold, without vertices at equal positions
  double density = 0;       // tau; 0 searches the best of a few by the outlines of the pictures
  double hull_alpha = 0;    // a; 0 searches
};

/// What was found, for reports.
struct SurfaceReport {
  double density = 0, hull_alpha = 0;  // chosen levels
  double outline_iou = 0;              // of the surface before clean-up, in pictures not fitted to
  int64_t raw_triangles = 0;           // before clean-up and decimation
  int64_t raw_components = 0, kept_components = 0;
};

/// Positions and triangles only; counter-clockwise seen from outside. `stage` is called with the name of each stage as
/// it begins ("field", "search", "fit", "mesh", "clean", "decimate"). The cloud lies around the origin with its longest
/// side near 2. An empty mesh is returned if no surface was found.
TriangleMesh surface_of(const render::CloudView<float>& cloud, const std::vector<CloudPicture>& pictures,
                        const SurfaceOptions& options, const std::function<void(const std::string&)>& stage,
                        SurfaceReport* report = nullptr);

}  // namespace lucid::mesh
