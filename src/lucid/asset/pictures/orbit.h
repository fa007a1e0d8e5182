// SPDX-License-Identifier: Apache-2.0
// Cameras on an orbit around the origin, for animations.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/camera/camera.h"

namespace lucid::asset {

/// Angles in degrees, fovy in radians, radius in world units; see orbit_camera() in camera/sampler.h.
struct Orbit {
  double phi_from = 0, phi_to = 360;      // azimuth, at an even speed; may run backwards or over several turns
  double theta_from = 90, theta_to = 90;  // polar angle: from the first to the second and back, as a cosine
  double radius = 3.5, fovy = 0.55;
  int width = 512, height = 512;  // pixels
};

/// `frames` cameras. If the azimuths differ by whole turns (or not at all), the frame after the last would be the first
/// again, so that the animation loops without a jump. Otherwise the last frame is at phi_to.
std::vector<Camera> orbit_cameras(const Orbit& orbit, int64_t frames);

}  // namespace lucid::asset
