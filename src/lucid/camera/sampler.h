// SPDX-License-Identifier: Apache-2.0
// Orbit cameras, and the random views of training with their progressive widening.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/camera/camera.h"

namespace lucid {

struct Range {
  double low = 0, high = 0;
};

/// Keys as in the reference's GenerateCamParams. Angles in degrees, fovy in radians.
struct ViewOptions {
  int width = 512, height = 512;
  Range radius{5.2, 5.5}, max_radius{3.5, 5.0};
  Range fovy{0.32, 0.60}, max_fovy{0.16, 0.60};
  Range theta{45, 105}, max_theta{45, 105};
  Range phi{-180, 180}, max_phi{-180, 180};
  double rand_cam_gamma = 1.0;
  bool jitter_pose = true;
  double jitter_center = 0.05, jitter_target = 0.05, jitter_up = 0.01;  // centre U(+-jitter_center/2), target and up normal
  double default_radius = 3.5, default_polar = 90, default_azimuth = 0, default_fovy = 0.55;
  int64_t progressive_view_iter = 500, scale_up_cameras_iter = 500;
  double fovy_scale_low = 0.75, fovy_scale_high = 1.1, phi_scale = 1.5, theta_scale = 1.5, radius_scale = 0.95;
  bool stratify_azimuth = false;  // ours: the batch's azimuths spread evenly over the range with one random offset
};

/// Looks at the origin from (theta, phi) degrees at `radius`, up = z.
Camera orbit_camera(double theta, double phi, double radius, double fovy, int width, int height);
/// General look-at with square pixels.
Camera look_at(const std::array<double, 3>& center, const std::array<double, 3>& target, const std::array<double, 3>& up,
               double fovy, int width, int height);
/// OpenGL-style projection of the reference (z in [0,1], near 0.01, far 100), row-major, for cameras.json and tests.
std::array<double, 16> projection_matrix(const Camera& camera);

/// The ranges in force at an iteration (1-based): every scale_up_cameras_iter from progressive_view_iter they widen once.
ViewOptions widened(const ViewOptions& options, int64_t iteration);
/// A batch of random training views; one fovy for the batch.
std::vector<Camera> sample_views(const ViewOptions& options, int batch, Rng& rng);
/// 8 around at default radius and polar angle, then 8 at polar 60.
std::vector<Camera> test_views(const ViewOptions& options, int width, int height);
std::vector<Camera> turntable(const ViewOptions& options, int frames, double polar, int width, int height);

}  // namespace lucid
