// SPDX-License-Identifier: Apache-2.0
// Camera: a pinhole camera's pose and intrinsics. World z is up; a camera at azimuth phi = 0 stands on the +y side, the
// front. Camera axes: x right, y down, z forward.
#pragma once

#include <array>

namespace lucid {

struct Camera {
  std::array<double, 16> camera_from_world{};  // row-major 4x4 rigid transform
  double tan_half_fov_x = 0, tan_half_fov_y = 0;
  int width = 0, height = 0;  // pixels
  // Spherical coordinates of the camera's centre (degrees, world units): polar angle from +z, azimuth, distance. View
  // prompts use the azimuth.
  double theta = 90, phi = 0, radius = 0;
};

}  // namespace lucid
