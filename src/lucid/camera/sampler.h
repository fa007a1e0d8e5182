// SPDX-License-Identifier: Apache-2.0
// Orbit cameras, and the random views of training with their progressive widening.
#pragma once

#include <array>
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
  double jitter_center = 0.05, jitter_target = 0.05, jitter_up = 0.01;  // centre U(+-jitter_center/2), target and up
                                                                        // normal
  double default_radius = 3.5, default_polar = 90, default_azimuth = 0, default_fovy = 0.55;
  int64_t progressive_view_iter = 500, scale_up_cameras_iter = 500;
  double fovy_scale_low = 0.75, fovy_scale_high = 1.1, phi_scale = 1.5, theta_scale = 1.5, radius_scale = 0.95;
  bool stratify_azimuth = false;  // ours: the batch's azimuths spread evenly over the range with one random offset
};

/// Looks at the origin from `radius` * (sin theta sin phi, sin theta cos phi, cos theta), degrees, up = z. At the
/// poles, where z is no up vector, the picture is the limit along the same azimuth: a walk over the pole does not spin.
/// Square pixels: tan_half_fov_x = tan(fovy/2) * width / height. (The reference derives its second angle with that
/// ratio upside down; the two agree where width = height.)
Camera orbit_camera(double theta, double phi, double radius, double fovy, int width, int height);

/// General look-at with square pixels. Only the part of `up` across the line of sight counts; where it has none (or is
/// zero), looking down puts the front (+y) at the bottom of the picture, looking up at its top, and any other direction
/// takes z. theta, phi and radius are those of `center`. `target` must not be `center`.
Camera look_at(const std::array<double, 3>& center, const std::array<double, 3>& target,
               const std::array<double, 3>& up, double fovy, int width, int height);

/// The reference's projection, row-major: clip = P (x, y, z, 1) of camera coordinates, w = z (positive in front of the
/// camera), z/w in [0, 1] from near 0.01 to far 100, y not flipped. For cameras.json and tests; the rasteriser has its
/// own.
std::array<double, 16> projection_matrix(const Camera& camera);

/// The ranges in force at an iteration (1-based). They widen once at every multiple of scale_up_cameras_iter that is
/// not before progressive_view_iter, up to and including `iteration`: fovy low and high by their two factors; radius
/// ends times radius_scale (closer, so both are held from below); theta and phi ends away from each other by their
/// factors (a low end above zero is divided, so that a range always grows). Each end stops at that of its max_ range.
ViewOptions widened(const ViewOptions& options, int64_t iteration);

/// A batch of random training views. One fovy ~ U(fovy) for all; radius, theta and phi each mid + sign * U^gamma *
/// half-range (gamma = rand_cam_gamma; > 1 gathers at the middle). With stratify_azimuth phi is instead low + (i + u) /
/// batch of the range, one u for the batch. jitter_pose then shakes the position by U(+-jitter_center/2) an axis, the
/// target by jitter_target and the camera's own up vector by jitter_up standard deviations; the frame stays
/// orthonormal. theta, phi (in (-180, 180]) and radius of the result are those before the shake, as view prompts want
/// them. Draws: fovy, [u,] then camera by camera radius, theta, phi (value, sign), centre, target, up.
std::vector<Camera> sample_views(const ViewOptions& options, int batch, Rng& rng);

/// 8 around at default radius and polar angle, then 8 at polar 60; azimuths default_azimuth + 45 i.
std::vector<Camera> test_views(const ViewOptions& options, int width, int height);

/// `frames` views around at default radius and `polar` degrees, from default_azimuth, the last one step short of a
/// turn.
std::vector<Camera> turntable(const ViewOptions& options, int frames, double polar, int width, int height);

}  // namespace lucid
