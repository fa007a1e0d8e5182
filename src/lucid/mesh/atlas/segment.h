// SPDX-License-Identifier: Apache-2.0
// Segmentation: divides a mesh into nearly flat regions.
#pragma once

#include "lucid/mesh/atlas/chart.h"

namespace lucid::mesh {

/// The regions as lists of triangles. The normals of a region, smoothed over a few rings of triangles, lie within
/// 55 degrees of their area-weighted mean. Regions are grown from seeds by a priority queue on the normals' difference
/// (Cohen-Steiner et al. 2004, "Variational shape approximation").
std::vector<std::vector<uint32_t>> segment(const TriangleMesh& mesh, const Neighbours& neighbours);

}  // namespace lucid::mesh
