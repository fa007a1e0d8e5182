// SPDX-License-Identifier: Apache-2.0
// Starting points: where the first Gaussians sit, by name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lucid/gaussians/cloud.h"

namespace lucid::gaussians {

struct StartOptions {
  std::string kind = "sphere";  // one of start_names()
  int64_t count = 100000;
  double radius = 0.5;  // `sphere`: r ~ U(0, radius), uniform angles; the other objects grow with it (0.5 = as below)
  double scene_radius = 5.5;  // `scene`: the farthest camera
  double opacity = 0.1;
  int sh_degree = 0;
  uint64_t seed = 0;
};

/// The registry, in this order (world z is up, the front is +y):
///   sphere       r ~ U(0, radius), polar and azimuth angles uniform: dense at the centre and along the z axis
///   box          a cube, [-0.5, 0.5]^3
///   rectangle_x  a low block, longest in y (front to back):  x +-0.3, y +-0.6, z +-0.25
///   rectangle_z  an upright block, for standing figures:     x +-0.4, y +-0.3, z +-0.6
///   scene        a shell around all cameras, for surroundings in place of an object: r ~ 3 scene_radius + U(0, 1)
const std::vector<std::string>& start_names();

/// Half the side lengths of the box that holds every point of a start; for tests and for framing.
std::array<double, 3> start_bounds(const StartOptions& options);

/// Points by kind; scales sqrt(mean squared distance to the 3 nearest neighbours); near-grey colours (SH ~ U(0,1)/255);
/// identity rotations. A pure function of the options. Throws UserError for options that make no cloud.
Cloud make_start(const StartOptions& options);

/// log sqrt(mean squared distance to the 3 nearest neighbours), floor 1e-7 on the square. means [N,3] -> [N,3]. With
/// fewer than 3 neighbours the mean is over those there are.
torch::Tensor nearest_neighbour_log_scales(const torch::Tensor& means);

}  // namespace lucid::gaussians
