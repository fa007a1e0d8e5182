// SPDX-License-Identifier: Apache-2.0
// Projection of mesh vertices to pixels, by the equations of the Gaussian rasteriser.
#pragma once

#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::mesh {

struct ScreenVertex {
  double x = 0, y = 0;   // pixels; pixel (i, j) covers [i, i+1) x [j, j+1)
  double inverse_z = 0;  // 1 / camera z; 0 = not beyond the near plane
};

std::vector<ScreenVertex> project_vertices(const std::vector<Point>& positions, const Camera& camera);

}  // namespace lucid::mesh
