// SPDX-License-Identifier: Apache-2.0
// Which chart of a UV atlas each texel belongs to. Texels outside the charts belong to the nearest one.
#pragma once

#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct ChartMap {
  int size = 0;                          // texels a side
  std::vector<int32_t> chart;            // [size * size] -1 only if the mesh has no triangle
  std::vector<int32_t> triangle;         // [size * size] the triangle at the texel's centre, -1 outside the charts
  std::vector<Vec2<float>> barycentric;  // [size * size] weights of its second and third vertex
  // The texels outside the charts from near to far, each with a neighbour that is nearer to the chart.
  struct Step {
    int32_t texel, from;
  };
  std::vector<Step> outward;
};

ChartMap map_charts(const TriangleMesh& mesh, int size);

}  // namespace lucid::mesh
