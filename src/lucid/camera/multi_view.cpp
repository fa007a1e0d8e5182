// SPDX-License-Identifier: Apache-2.0
// The matrix that MVDream reads, and the sampling of groups of views.
#include "lucid/camera/multi_view.h"

#include <cmath>
#include <numbers>

#include "lucid/base/error.h"

namespace lucid {

std::array<double, 16> multi_view_camera(const Camera& camera, double front) {
  const auto& m = camera.camera_from_world;
  // Columns of the result: right, up, backward, position, in lucid's world.
  std::array<std::array<double, 3>, 4> columns{};
  for (size_t j = 0; j < 3; ++j) {
    columns[0][j] = m[j];
    columns[1][j] = -m[4 + j];
    columns[2][j] = -m[8 + j];
    columns[3][j] = -(m[j] * m[3] + m[4 + j] * m[7] + m[8 + j] * m[11]);
  }
  const double distance = std::hypot(columns[3][0], columns[3][1], columns[3][2]);
  constexpr double kNoDistance = 1e-8;  // as in MVDream
  for (double& coordinate : columns[3]) coordinate /= distance + kNoDistance;

  const double turn = front * std::numbers::pi / 180, c = std::cos(turn), s = std::sin(turn);
  std::array<double, 16> result{};
  for (size_t column = 0; column < 4; ++column) {
    const auto [x, y, z] = columns[column];
    const double x_front = c * x - s * y, y_front = s * x + c * y;  // the front turned to +y
    result[column] = y_front;
    result[4 + column] = -x_front;
    result[8 + column] = z;
  }
  result[15] = 1;
  return result;
}

std::array<double, 16> multi_view_camera_at(double azimuth, double elevation) {
  constexpr double kAnyDistance = 1, kAnyFieldOfView = 1;
  return multi_view_camera(orbit_camera(90 - elevation, azimuth, kAnyDistance, kAnyFieldOfView, 1, 1));
}

std::vector<Camera> sample_joint_views(const ViewOptions& options, int batch, Rng& rng) {
  const int together = options.joint_views;
  LUCID_CHECK(batch > 0 && batch % together == 0, "{} views in groups of {}", batch, together);
  const double fovy = rng.uniform(options.fovy.low, options.fovy.high);
  const double unit = options.unit_distance(fovy);
  std::vector<Camera> cameras;
  for (int group = 0; group < batch / together; ++group) {
    const double radius = unit * rng.uniform(options.radius.low, options.radius.high);
    const double theta = rng.uniform(options.theta.low, options.theta.high);
    const double offset = rng.uniform();
    for (int view = 0; view < together; ++view) {
      const double phi = options.phi.low + (view + offset) / together * (options.phi.high - options.phi.low);
      cameras.push_back(orbit_camera(theta, std::remainder(phi, 360.0), radius, fovy, options.width, options.height));
    }
  }
  return cameras;
}

}  // namespace lucid
