// SPDX-License-Identifier: Apache-2.0
// Camera sampling: orbit and look-at cameras, random training views with ranges that widen during training, and the
// fixed views of tests and turntables.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/camera/camera.h"

namespace lucid {

struct Range {
  double low = 0, high = 0;
};

/// Distribution of the training views; names as in the reference system's GenerateCamParams. Angles in degrees, fovy in
/// radians. The max_ ranges bound the widening; see widened().
struct ViewOptions {
  int width = 512, height = 512;
  Range radius{5.2, 5.5}, max_radius{3.5, 5.0};
  Range fovy{0.32, 0.60}, max_fovy{0.16, 0.60};
  Range theta{45, 105}, max_theta{45, 105};
  Range phi{-180, 180}, max_phi{-180, 180};
  double rand_cam_gamma = 1.0;
  bool jitter_pose = true;
  // Jitter of the centre: uniform in +-jitter_center/2 an axis. Of target and up: standard deviations of normals.
  double jitter_center = 0.05, jitter_target = 0.05, jitter_up = 0.01;
  double default_radius = 3.5, default_polar = 90, default_azimuth = 0, default_fovy = 0.55;
  int64_t progressive_view_iter = 500, scale_up_cameras_iter = 500;
  double fovy_scale_low = 0.75, fovy_scale_high = 1.1, phi_scale = 1.5, radius_scale = 0.95;
  double theta_scale = 0;  // 0 = phi_scale, as in the reference
  // Not in the reference: the azimuths of a batch are evenly spaced over the range, with one random offset.
  bool stratify_azimuth = false;
  // Not in the reference: radius is in units of 1 / tan(fovy/2), so that an object fills the same share of each
  // picture.
  bool relative_radius = false;
  double uniform_sphere_rate = 0;  // probability of a batch from all over the upper half of the sphere
  bool render_45 = true;           // test views from above, too
  int joint_views = 1;             // more than 1: batches are groups of so many views (multi_view.h)

  /// World units of one unit of radius.
  double unit_distance(double at_fovy) const { return relative_radius ? 1 / std::tan(at_fovy / 2) : 1; }
};

/// A camera that looks at the origin from radius * (sin theta sin phi, sin theta cos phi, cos theta), with z up. Angles
/// in degrees, fovy in radians. At a pole, where z cannot be the up vector, the pose is the limit along the same
/// azimuth, so an orbit over the pole is continuous. Pixels are square: tan_half_fov_x = tan(fovy/2) * width / height.
/// (The reference inverts this ratio; the two agree if width = height.)
Camera orbit_camera(double theta, double phi, double radius, double fovy, int width, int height);

/// A camera at `center` that looks at `target` with square pixels. Only the component of `up` orthogonal to the line of
/// sight matters. If that is zero, z is the up vector; for a vertical line of sight the front (+y) is then at the
/// bottom of the image when looking down, at the top when looking up. theta, phi and radius are those of `center`.
/// `target` must differ from `center`.
Camera look_at(const std::array<double, 3>& center, const std::array<double, 3>& target,
               const std::array<double, 3>& up, double fovy, int width, int height);

/// The reference's projection matrix, row-major: clip = P (x, y, z, 1) with camera coordinates. w = z is positive in
/// front of the camera; z/w goes from 0 at near 0.01 to 1 at far 100; y is not flipped. For cameras.json and tests; the
/// rasteriser does not use it.
std::array<double, 16> projection_matrix(const Camera& camera);

/// The options with the ranges that hold at an iteration (1-based). The ranges widen at every multiple of
/// scale_up_cameras_iter from progressive_view_iter to `iteration` inclusive. One widening multiplies fovy's ends by
/// fovy_scale_low and fovy_scale_high, both radius ends by radius_scale (closer), and moves the ends of theta and phi
/// apart by their factors (a positive low end is divided, so a range always grows). No end passes that of its max_
/// range; for both radius ends, which fall, it is a lower bound.
ViewOptions widened(const ViewOptions& options, int64_t iteration);

/// A batch of random training views. All share one fovy ~ U(fovy). radius, theta and phi are each middle + sign *
/// u^gamma * half-range; gamma is 1 for the radius and rand_cam_gamma for the angles (> 1 concentrates them in the
/// middle). With stratify_azimuth, camera i gets phi = low + (i + u) / batch * range, with one u for the batch. With
/// probability uniform_sphere_rate the directions of the batch are uniform on the upper half of the sphere instead.
/// (The reference takes y for up there, so its cameras come from the front half, with wrong azimuths.) jitter_pose adds
/// noise to the position, the target and the camera's up vector; the frame stays orthonormal. theta, phi (in (-180,
/// 180]) and radius of the result are the values before the jitter, because view prompts use them. Order of the random
/// draws: fovy, [u,] [sphere or not,] then for each camera radius, theta, phi (value, sign), [theta, phi,] centre,
/// target, up. With joint_views the batch is one of sample_joint_views() (multi_view.h).
std::vector<Camera> sample_views(const ViewOptions& options, int batch, Rng& rng);

/// Polar angle of the views from above, degrees.
inline constexpr double kPolarFromAbove = 60;

/// 16 fixed views at the default radius: 8 at the default polar angle, then 8 at kPolarFromAbove (with render_45);
/// azimuths default_azimuth + 45 i.
std::vector<Camera> test_views(const ViewOptions& options, int width, int height);

/// `frames` views evenly spaced over a full turn, at the default radius and polar angle `polar` (degrees), starting at
/// default_azimuth.
std::vector<Camera> turntable(const ViewOptions& options, int frames, double polar, int width, int height);

}  // namespace lucid
