// SPDX-License-Identifier: Apache-2.0
// Projection of mesh vertices to pixels.
#include "lucid/mesh/screen_vertex.h"

#include "lucid/base/parallel.h"
#include "lucid/render/inputs.h"
#include "lucid/render/kernel_math.h"

namespace lucid::mesh {

std::vector<ScreenVertex> project_vertices(const std::vector<Point>& positions, const Camera& camera) {
  const render::View<double> view = render::make_view<double>(camera);
  std::vector<ScreenVertex> screen(positions.size());
  parallel_for(int64_t(positions.size()), 4096, [&](int64_t i) {
    const Point& p = positions[size_t(i)];
    const Vec3<double> at = render::to_camera(view, Vec3<double>{p.x, p.y, p.z});
    if (!(at.z > render::kNearPlane)) return;
    const double inverse_z = 1 / at.z;
    // The Gaussian rasteriser counts pixels from the first pixel's centre, hence its (width - 1) / 2.
    screen[size_t(i)] = {view.focal_x * at.x * inverse_z + view.width / 2,
                         view.focal_y * at.y * inverse_z + view.height / 2, inverse_z};
  });
  return screen;
}

}  // namespace lucid::mesh
