// SPDX-License-Identifier: Apache-2.0
// The options of the starting points, and the names of the kinds. No libtorch: the command line reads them as well.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace lucid::gaussians {

/// The kinds of starting points (world z is up, the front is +y):
///   sphere       r ~ U(0, radius), polar and azimuth angles uniform: dense at the centre and along the z axis
///   box          a cube, [-0.5, 0.5]^3
///   rectangle_x  a low block, longest in y (front to back):  x +-0.3, y +-0.6, z +-0.25
///   rectangle_z  an upright block, for standing figures:     x +-0.4, y +-0.3, z +-0.6
///   scene        a shell around all cameras, for surroundings in place of an object: r ~ 3 scene_radius + U(0, 1)
inline constexpr std::array kStartNames = {"sphere", "box", "rectangle_x", "rectangle_z", "scene"};

struct StartOptions {
  std::string kind = "sphere";  // one of kStartNames
  int64_t count = 100000;
  double radius = 0.5;  // `sphere`: r ~ U(0, radius), uniform angles; the other objects grow with it (0.5 = as below)
  double scene_radius = 5.5;  // `scene`: the farthest camera
  double opacity = 0.1;
  int sh_degree = 0;
  uint64_t seed = 0;
};

}  // namespace lucid::gaussians
