// SPDX-License-Identifier: Apache-2.0
// A pinhole camera. World z is up; azimuth phi = 0 looks at the front (+y side); camera axes: x right, y down, z
// forward.
#pragma once

#include <array>

namespace lucid {

struct Camera {
  std::array<double, 16> camera_from_world{};  // row-major 4x4, rigid
  double tan_half_fov_x = 0, tan_half_fov_y = 0;
  int width = 0, height = 0;  // pixels
  // Where it came from (degrees, world units): view prompts need the azimuth, manifests the rest.
  double theta = 90, phi = 0, radius = 0;
};

}  // namespace lucid
