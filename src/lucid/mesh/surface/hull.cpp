// SPDX-License-Identifier: Apache-2.0
// Smallest alpha over the pictures, at a point and on a lattice.
#include "lucid/mesh/surface/hull.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/parallel.h"
#include "lucid/render/constants.h"

namespace lucid::mesh {

Hull::Hull(const std::vector<CloudPicture>& pictures) {
  for (const CloudPicture& picture : pictures) {
    const Camera& camera = picture.camera;
    const auto& m = camera.camera_from_world;
    const double focal_x = camera.width / (2 * camera.tan_half_fov_x);
    const double focal_y = camera.height / (2 * camera.tan_half_fov_y);
    View view{.pixel_from_world = {}, .width = camera.width, .height = camera.height, .alpha = picture.alpha.data()};
    for (size_t k = 0; k < 4; ++k) {
      view.pixel_from_world[k] = float(focal_x * m[k] + 0.5 * (camera.width - 1) * m[8 + k]);
      view.pixel_from_world[4 + k] = float(focal_y * m[4 + k] + 0.5 * (camera.height - 1) * m[8 + k]);
      view.pixel_from_world[8 + k] = float(m[8 + k]);
    }
    views_.push_back(view);
  }
}

float Hull::alpha(const Point& at, float enough) const {
  float smallest = 1;
  for (const View& view : views_) {
    const auto& m = view.pixel_from_world;
    const float z = m[8] * at.x + m[9] * at.y + m[10] * at.z + m[11];
    if (!(z > float(render::kNearPlane))) continue;
    const float x = (m[0] * at.x + m[1] * at.y + m[2] * at.z + m[3]) / z;
    const float y = (m[4] * at.x + m[5] * at.y + m[6] * at.z + m[7]) / z;
    if (!(x >= 0 && y >= 0 && x < float(view.width - 1) && y < float(view.height - 1))) continue;
    const int column = int(x), row = int(y);
    const float u = x - float(column), v = y - float(row);
    const float* top = view.alpha + int64_t{row} * view.width + column;
    const float* bottom = top + view.width;
    const float upper = top[0] + u * (top[1] - top[0]), lower = bottom[0] + u * (bottom[1] - bottom[0]);
    smallest = std::min(smallest, upper + v * (lower - upper));
    if (smallest < enough) break;
  }
  return smallest;
}

Field hull_field(const Hull& hull, const Lattice& lattice, const Field& density, float above) {
  constexpr float kClearlyOutside = 0.02f;  // no level is that low: finer values would not move the surface
  Field field(density.size(), 1.0f);
  parallel_for(int64_t{lattice.size[1]} * lattice.size[2], 64, [&](int64_t row) {
    const int y = int(row % lattice.size[1]), z = int(row / lattice.size[1]);
    for (int x = 0; x < lattice.size[0]; ++x) {
      const size_t i = size_t(lattice.index(x, y, z));
      if (density[i] > above) field[i] = hull.alpha(lattice.at(float(x), float(y), float(z)), kClearlyOutside);
    }
  });
  return field;
}

}  // namespace lucid::mesh
