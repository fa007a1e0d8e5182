// SPDX-License-Identifier: Apache-2.0
// Options of the initial Gaussians: the names of their shapes, a file of geometry in their place, and how firmly
// training holds it. Without libtorch, because the command line includes this file.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace lucid::gaussians {

/// The shapes of the initial point cloud (world z is up, the front is +y). Sizes are for radius 0.5 and scale with it.
///   sphere       r ~ U(0, radius), polar and azimuth angles uniform: dense at the centre and along the z axis
///   box          a cube, [-0.5, 0.5]^3
///   rectangle_x  a low block, longest in y (front to back):  x +-0.3, y +-0.6, z +-0.25
///   rectangle_z  an upright block, for standing figures:     x +-0.4, y +-0.3, z +-0.6
///   scene        a shell around all cameras, for scenes instead of objects: r ~ 3 scene_radius + U(0, 1)
inline constexpr std::array kStartNames = {"sphere", "box", "rectangle_x", "rectangle_z", "scene"};

struct StartOptions {
  std::string kind = "sphere";  // one of kStartNames
  int64_t count = 100000;
  double radius = 0.5;        // size of the shape, world units; not used by `scene`
  double scene_radius = 5.5;  // `scene`: distance of the farthest camera
  double opacity = 0.1;
  int sh_degree = 0;
  uint64_t seed = 0;
  // A mesh, a point cloud or Gaussians to start from, in place of `kind` (start/file_start.h reads it).
  std::string file = {};          // empty = none
  double file_scale = 1;          // factor of its size, after fitting
  std::string file_rotate = {};   // "RX,RY,RZ" in degrees, or a name in asset::kAxesNames; empty = as the format says
  std::string file_fit = "auto";  // one of kFitNames
  bool file_resample = false;     // bring points and Gaussians to `count` as well; meshes always are
  double keep_shape = 0;          // optim/keep_shape.h; 0 = off
};

/// Whether a file of geometry is fitted into the ball of `radius`: auto fits meshes and points, and leaves Gaussians.
inline constexpr std::array kFitNames = {"auto", "on", "off"};

}  // namespace lucid::gaussians
