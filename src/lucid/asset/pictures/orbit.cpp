// SPDX-License-Identifier: Apache-2.0
// Cameras on an orbit around the origin.
#include "lucid/asset/pictures/orbit.h"

#include <cmath>
#include <numbers>

#include "lucid/base/error.h"
#include "lucid/camera/sampler.h"

namespace lucid::asset {

std::vector<Camera> orbit_cameras(const Orbit& orbit, int64_t frames) {
  LUCID_CHECK(frames > 0, "{} frames", frames);
  const double arc = orbit.phi_to - orbit.phi_from;
  const bool closed = std::abs(std::remainder(arc, 360.0)) < 1e-9;
  const int64_t steps = closed ? frames : frames - 1;
  std::vector<Camera> cameras;
  cameras.reserve(static_cast<size_t>(frames));
  for (int64_t i = 0; i < frames; ++i) {
    const double part = steps > 0 ? static_cast<double>(i) / static_cast<double>(steps) : 0;  // [0, 1]
    const double swing = (1 - std::cos(2 * std::numbers::pi * part)) / 2;                     // 0, 1 half way, 0
    const double theta = orbit.theta_from + (orbit.theta_to - orbit.theta_from) * swing;
    cameras.push_back(
        orbit_camera(theta, orbit.phi_from + arc * part, orbit.radius, orbit.fovy, orbit.width, orbit.height));
  }
  return cameras;
}

}  // namespace lucid::asset
