// SPDX-License-Identifier: Apache-2.0
// Rays of a camera's pixels, and the blocks of a lattice that they can skip.
#include "lucid/mesh/surface/rays.h"

#include "lucid/base/parallel.h"

namespace lucid::mesh {

ActiveBlocks::ActiveBlocks(const Field& field, const Lattice& lattice, float threshold) {
  for (size_t k = 0; k < 3; ++k) count_[k] = (lattice.size[k] + kSide - 2) / kSide;
  active_.resize(size_t(count_[0]) * size_t(count_[1]) * size_t(count_[2]), 0);
  parallel_for(count_[2], 1, [&](int64_t block_z) {
    const int z0 = int(block_z) * kSide;
    for (int z = z0; z <= std::min(z0 + kSide, lattice.size[2] - 1); ++z) {
      for (int y = 0; y < lattice.size[1]; ++y) {
        const float* row = &field[size_t(lattice.index(0, y, z))];
        for (int x = 0; x < lattice.size[0]; ++x) {
          if (row[x] < threshold) continue;
          // A sample on the face between two blocks belongs to both.
          for (const int by : {y / kSide, (y - 1) / kSide}) {
            for (const int bx : {x / kSide, (x - 1) / kSide}) {
              if (bx >= count_[0] || by >= count_[1]) continue;
              active_[size_t((int(block_z) * count_[1] + by) * count_[0] + bx)] = 1;
            }
          }
        }
      }
    }
  });
}

PixelRays::PixelRays(const Camera& camera, const Lattice& lattice) : size_(lattice.size) {
  const auto& m = camera.camera_from_world;
  const double unit = 1 / double(lattice.spacing);
  const auto world = [&](double x, double y, double z) {  // of a direction in camera axes
    return Vec3<double>{m[0] * x + m[4] * y + m[8] * z, m[1] * x + m[5] * y + m[9] * z,
                        m[2] * x + m[6] * y + m[10] * z};
  };
  const auto narrow = [](const Vec3<double>& v) { return Point{float(v.x), float(v.y), float(v.z)}; };
  const Vec3<double> centre = world(-m[3], -m[7], -m[11]);
  const Vec3<double> lattice_origin{double(lattice.origin.x), double(lattice.origin.y), double(lattice.origin.z)};
  origin_ = narrow(unit * (centre - lattice_origin));
  const double step_x = 2 * camera.tan_half_fov_x / camera.width, step_y = 2 * camera.tan_half_fov_y / camera.height;
  world_from_pixel_ = {narrow(world(step_x, 0, 0)), narrow(world(0, step_y, 0)),
                       narrow(world(step_x * (0.5 - camera.width / 2.0), step_y * (0.5 - camera.height / 2.0), 1))};
}

Point PixelRays::direction(int column, int row) const {
  float length = 0;
  Point d = normalized(float(column) * world_from_pixel_[0] + float(row) * world_from_pixel_[1] + world_from_pixel_[2],
                       &length);
  for (float* component : {&d.x, &d.y, &d.z}) {
    if (std::abs(*component) < 1e-6f) *component = 1e-6f;
  }
  return d;
}

}  // namespace lucid::mesh
