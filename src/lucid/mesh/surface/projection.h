// SPDX-License-Identifier: Apache-2.0
// Projection of points to a camera's pixels in single precision, for the many samples of a lattice.
#pragma once

#include <algorithm>
#include <array>

#include "lucid/camera/camera.h"
#include "lucid/mesh/triangle_mesh.h"
#include "lucid/render/constants.h"

namespace lucid::mesh {

/// A projected point. Pixel (0, 0) has its centre at (0, 0).
struct PixelPoint {
  float x = 0, y = 0;  // pixels
  float z = 0;         // camera z, world units
};

struct Projection {
  std::array<float, 12> pixel_from_world{};  // [3,4]
  Point centre;                              // of the camera
  float focal = 0;                           // pixels; the larger one
  int width = 0, height = 0;

  explicit Projection(const Camera& camera) : width(camera.width), height(camera.height) {
    const auto& m = camera.camera_from_world;
    const double focal_x = camera.width / (2 * camera.tan_half_fov_x);
    const double focal_y = camera.height / (2 * camera.tan_half_fov_y);
    for (size_t k = 0; k < 4; ++k) {
      pixel_from_world[k] = float(focal_x * m[k] + 0.5 * (camera.width - 1) * m[8 + k]);
      pixel_from_world[4 + k] = float(focal_y * m[4 + k] + 0.5 * (camera.height - 1) * m[8 + k]);
      pixel_from_world[8 + k] = float(m[8 + k]);
    }
    const auto world = [&](size_t k) { return float(-(m[k] * m[3] + m[4 + k] * m[7] + m[8 + k] * m[11])); };
    centre = {world(0), world(1), world(2)};
    focal = float(std::max(focal_x, focal_y));
  }

  /// Infinite or not a number for points in the camera's plane.
  PixelPoint project(const Point& at) const {
    const auto& m = pixel_from_world;
    const float z = m[8] * at.x + m[9] * at.y + m[10] * at.z + m[11];
    return {(m[0] * at.x + m[1] * at.y + m[2] * at.z + m[3]) / z, (m[4] * at.x + m[5] * at.y + m[6] * at.z + m[7]) / z,
            z};
  }

  /// Whether a projected point lies between four pixel centres of the picture.
  bool holds(const PixelPoint& p) const {
    return p.z > float(render::kNearPlane) && p.x >= 0 && p.y >= 0 && p.x < float(width - 1) && p.y < float(height - 1);
  }
};

}  // namespace lucid::mesh
