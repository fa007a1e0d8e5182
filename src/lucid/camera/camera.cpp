// SPDX-License-Identifier: Apache-2.0
// Camera construction: orbit and look-at poses, including a line of sight parallel to `up`, and the projection matrix.
#include <cmath>
#include <numbers>

#include "lucid/base/error.h"
#include "lucid/camera/sampler.h"
#include "lucid/math/vec.h"

namespace lucid {
namespace {

using V = Vec3<double>;

constexpr double kDegree = std::numbers::pi / 180;
constexpr double kNear = 0.01, kFar = 100;  // clip planes of projection_matrix()
constexpr double kParallel = 1e-7;          // `up` is parallel to the line of sight if their angle's sine is below this

V unit(const V& v) {
  double length;
  return normalized(v, &length);
}

/// The up vector used if the requested one is parallel to the line of sight; see look_at() in sampler.h.
V fallback_up(const V& forward) {
  if (std::abs(forward.z) < 0.999) return {0, 0, 1};
  return {0, forward.z < 0 ? -1.0 : 1.0, 0};
}

Camera make_camera(const V& center, const V& forward, const V& up, double fovy, int width, int height) {
  LUCID_CHECK(width > 0 && height > 0, "image of {} x {} pixels", width, height);
  LUCID_CHECK(fovy > 0 && fovy < std::numbers::pi, "fovy {}", fovy);
  const V unit_up = unit(up);
  V right = cross(forward, unit_up);
  if (!(dot(up, up) > 0) || dot(right, right) < kParallel * kParallel) right = cross(forward, fallback_up(forward));
  right = unit(right);
  const V rows[3] = {right, cross(forward, right), forward};  // x right, y down, z forward

  Camera camera;
  for (int i = 0; i < 3; ++i) {
    double* row = camera.camera_from_world.data() + 4 * i;
    row[0] = rows[i].x;
    row[1] = rows[i].y;
    row[2] = rows[i].z;
    row[3] = -dot(rows[i], center);
  }
  camera.camera_from_world[15] = 1;
  camera.tan_half_fov_y = std::tan(fovy / 2);
  camera.tan_half_fov_x = camera.tan_half_fov_y * width / height;
  camera.width = width;
  camera.height = height;
  return camera;
}

}  // namespace

Camera orbit_camera(double theta, double phi, double radius, double fovy, int width, int height) {
  LUCID_CHECK(radius > 0, "radius {}", radius);
  const double st = std::sin(theta * kDegree), ct = std::cos(theta * kDegree);
  const double sp = std::sin(phi * kDegree), cp = std::cos(phi * kDegree);
  const V outward{st * sp, st * cp, ct};
  // The part of z orthogonal to the line of sight, divided by |sin theta|. The division keeps it defined at the poles.
  const double side = st < 0 ? -1 : 1;
  const V up{-side * ct * sp, -side * ct * cp, std::abs(st)};
  Camera camera = make_camera(radius * outward, -1.0 * outward, up, fovy, width, height);
  camera.theta = theta;
  camera.phi = phi;
  camera.radius = radius;
  return camera;
}

Camera look_at(const std::array<double, 3>& center, const std::array<double, 3>& target,
               const std::array<double, 3>& up, double fovy, int width, int height) {
  const V from{center[0], center[1], center[2]}, to{target[0], target[1], target[2]};
  const V sight = to - from;
  LUCID_CHECK(dot(sight, sight) > 0, "the camera at ({}, {}, {}) looks at itself", from.x, from.y, from.z);
  Camera camera = make_camera(from, unit(sight), {up[0], up[1], up[2]}, fovy, width, height);
  camera.radius = std::sqrt(dot(from, from));
  camera.theta = std::atan2(std::hypot(from.x, from.y), from.z) / kDegree;
  camera.phi = std::atan2(from.x, from.y) / kDegree;
  return camera;
}

std::array<double, 16> projection_matrix(const Camera& camera) {
  std::array<double, 16> p{};
  p[0] = 1 / camera.tan_half_fov_x;
  p[5] = 1 / camera.tan_half_fov_y;
  p[10] = kFar / (kFar - kNear);
  p[11] = -kFar * kNear / (kFar - kNear);
  p[14] = 1;
  return p;
}

}  // namespace lucid
