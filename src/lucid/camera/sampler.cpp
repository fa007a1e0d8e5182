// SPDX-License-Identifier: Apache-2.0
// Camera sampling: random training views, the widening of their ranges, and the fixed views of tests and turntables.
#include "lucid/camera/sampler.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lucid/base/error.h"
#include "lucid/camera/multi_view.h"

namespace lucid {
namespace {

constexpr int kTestViews = 8;  // in each of the two rings

/// middle + sign * u^gamma * half-range, u ~ U[0, 1).
double draw(const Range& range, double gamma, Rng& rng) {
  const double magnitude = std::pow(rng.uniform(), gamma);
  const double sign = rng.chance(0.5) ? 1 : -1;
  return (range.low + range.high) / 2 + sign * magnitude * (range.high - range.low) / 2;
}

/// The same angle in (-180, 180].
double wrapped(double degrees) {
  const double r = std::remainder(degrees, 360.0);
  return r <= -180 ? r + 360 : r;
}

/// An angle range whose ends are moved apart by `factor`, clamped to `limit`.
Range widened_angles(const Range& range, double factor, const Range& limit) {
  const double low = range.low < 0 ? range.low * factor : range.low / factor;
  const double high = range.high > 0 ? range.high * factor : range.high / factor;
  return {std::max(limit.low, low), std::min(limit.high, high)};
}

void widen_once(ViewOptions& v) {
  v.fovy = {std::max(v.max_fovy.low, v.fovy.low * v.fovy_scale_low),
            std::min(v.max_fovy.high, v.fovy.high * v.fovy_scale_high)};
  v.radius = {std::max(v.max_radius.low, v.radius.low * v.radius_scale),
              std::max(v.max_radius.high, v.radius.high * v.radius_scale)};
  v.theta = widened_angles(v.theta, v.theta_scale > 0 ? v.theta_scale : v.phi_scale, v.max_theta);
  v.phi = widened_angles(v.phi, v.phi_scale, v.max_phi);
}

/// The camera's centre in world coordinates: -R^T t.
std::array<double, 3> camera_center(const Camera& camera) {
  const auto& m = camera.camera_from_world;
  std::array<double, 3> center;
  for (int j = 0; j < 3; ++j) center[j] = -(m[j] * m[3] + m[4 + j] * m[7] + m[8 + j] * m[11]);
  return center;
}

Camera jittered(const Camera& undisturbed, const ViewOptions& options, double fovy, Rng& rng) {
  std::array<double, 3> center = camera_center(undisturbed), target{}, up;
  for (double& c : center) c += rng.uniform(-options.jitter_center / 2, options.jitter_center / 2);
  for (double& t : target) t = options.jitter_target * rng.normal();
  // The noise is added to the camera's up vector, not to z, so that the roll does not depend on the polar angle.
  const Camera aimed = look_at(center, target, {0, 0, 1}, fovy, undisturbed.width, undisturbed.height);
  for (int j = 0; j < 3; ++j) up[j] = -aimed.camera_from_world[4 + j] + options.jitter_up * rng.normal();
  Camera camera = look_at(center, target, up, fovy, undisturbed.width, undisturbed.height);
  camera.theta = undisturbed.theta;
  camera.phi = undisturbed.phi;
  camera.radius = undisturbed.radius;
  return camera;
}

}  // namespace

ViewOptions widened(const ViewOptions& options, int64_t iteration) {
  ViewOptions result = options;
  const int64_t every = options.scale_up_cameras_iter, from = std::max<int64_t>(options.progressive_view_iter, 1);
  if (every <= 0) return result;
  for (int64_t due = (from + every - 1) / every * every; due <= iteration; due += every) widen_once(result);
  return result;
}

std::vector<Camera> sample_views(const ViewOptions& options, int batch, Rng& rng) {
  LUCID_CHECK(batch > 0, "{} views", batch);
  if (options.joint_views > 1) return sample_joint_views(options, batch, rng);
  const double fovy = rng.uniform(options.fovy.low, options.fovy.high);
  const double offset = options.stratify_azimuth ? rng.uniform() : 0;
  const bool from_all_over = options.uniform_sphere_rate > 0 && rng.chance(options.uniform_sphere_rate);
  std::vector<Camera> cameras;
  cameras.reserve(static_cast<size_t>(batch));
  for (int i = 0; i < batch; ++i) {
    const double radius = options.unit_distance(fovy) * draw(options.radius, /*gamma=*/1, rng);
    double theta = draw(options.theta, options.rand_cam_gamma, rng);
    double phi = options.stratify_azimuth
                     ? options.phi.low + (i + offset) / batch * (options.phi.high - options.phi.low)
                     : draw(options.phi, options.rand_cam_gamma, rng);
    if (from_all_over) {
      theta = std::acos(rng.uniform()) * 180 / std::numbers::pi;  // heights are uniform on a sphere
      phi = rng.uniform(-180, 180);
    }
    const Camera undisturbed = orbit_camera(theta, wrapped(phi), radius, fovy, options.width, options.height);
    cameras.push_back(options.jitter_pose ? jittered(undisturbed, options, fovy, rng) : undisturbed);
  }
  return cameras;
}

std::vector<Camera> test_views(const ViewOptions& options, int width, int height) {
  std::vector<Camera> cameras = turntable(options, kTestViews, options.default_polar, width, height);
  if (!options.render_45) return cameras;
  const std::vector<Camera> above = turntable(options, kTestViews, kPolarFromAbove, width, height);
  cameras.insert(cameras.end(), above.begin(), above.end());
  return cameras;
}

std::vector<Camera> turntable(const ViewOptions& options, int frames, double polar, int width, int height) {
  LUCID_CHECK(frames > 0, "{} frames", frames);
  std::vector<Camera> cameras;
  cameras.reserve(static_cast<size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    const double phi = options.default_azimuth + 360.0 * i / frames;
    cameras.push_back(orbit_camera(polar, phi, options.default_radius, options.default_fovy, width, height));
  }
  return cameras;
}

}  // namespace lucid
