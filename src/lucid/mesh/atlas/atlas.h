// SPDX-License-Identifier: Apache-2.0
// A UV atlas: cuts a mesh into charts of low distortion and packs them into the unit square.
#pragma once

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct AtlasOptions {
  int texture_size = 1024;  // pixels; charts are scaled and aligned for it
  int gutter = 4;           // empty texels between two charts
};

/// Figures of an atlas, for tests and reports.
struct AtlasReport {
  int64_t charts = 0;
  double used = 0;                       // share of the texels that lie inside a chart
  double mean_stretch = 0;               // area-weighted mean of the L2 stretch (Sander et al. 2001); 1 = none
  double stretch_99 = 0;                 // its 99 % quantile by area
  int64_t flipped = 0, overlapping = 0;  // triangles with negative area in UV; texels that two triangles share
};

/// The same triangles, in the same order, with uvs. Vertices on chart borders are duplicated; positions, normals and
/// colours are copied to the duplicates. `source_vertex`, if not null, receives the vertex of `mesh` that each vertex
/// comes from. The input is welded: no two vertices at the same position.
TriangleMesh unwrap(const TriangleMesh& mesh, const AtlasOptions& options, AtlasReport* report = nullptr,
                    std::vector<uint32_t>* source_vertex = nullptr);

}  // namespace lucid::mesh
