// SPDX-License-Identifier: Apache-2.0
// Draws random camera poses and lights, and renders a shot.
#include "lucid/corpus/views.h"

#include <algorithm>
#include <cmath>

#include "lucid/camera/sampler.h"

namespace lucid::corpus {
namespace {

constexpr double kLow = -5, kHigh = 45, kHighest = 60;  // elevations, degrees
constexpr double kHigherShare = 0.12;                   // share of views with an elevation above kHigh

/// Unit vector to a light that is moved from the camera by `right` and `up`, in units of the camera's distance.
Float3 beside_camera(double azimuth, double elevation, double right, double up) {
  const Camera camera = orbit_camera(90 - elevation, azimuth, 1, kFieldOfView, 1, 1);
  const auto& m = camera.camera_from_world;  // rows: right, down, forward
  double d[3], length = 0;
  for (size_t i = 0; i < 3; ++i) {
    d[i] = right * m[i] - up * m[4 + i] - m[8 + i];
    length += d[i] * d[i];
  }
  const double scale = 1 / std::sqrt(length);
  return {static_cast<float>(d[0] * scale), static_cast<float>(d[1] * scale), static_cast<float>(d[2] * scale)};
}

double wrapped(double azimuth) { return azimuth >= 180 ? azimuth - 360 : azimuth; }

}  // namespace

std::vector<Shot> random_shots(int64_t count, Rng& rng) {
  std::vector<Shot> shots;
  for (int64_t i = 0; i < count; ++i) {
    Shot shot;
    shot.azimuth = wrapped(360 * (static_cast<double>(i) + rng.uniform()) / static_cast<double>(count));
    shot.elevation = rng.chance(kHigherShare) ? rng.uniform(kHigh, kHighest) : rng.uniform(kLow, kHigh);
    const double right = rng.uniform(-0.4, 0.4), up = rng.uniform(0, 0.6);
    shot.light.direction = beside_camera(shot.azimuth, shot.elevation, right, up);
    const double brightest = rng.uniform(0.95, 1.0);
    shot.light.diffuse = static_cast<float>(rng.uniform(0.38, 0.5));
    shot.light.ambient = static_cast<float>(brightest) - shot.light.diffuse - shot.light.sky;
    shots.push_back(shot);
  }
  return shots;
}

std::vector<Shot> even_shots(int64_t count, double elevation, bool flat_light) {
  std::vector<Shot> shots;
  for (int64_t i = 0; i < count; ++i) {
    Shot shot{.azimuth = wrapped(360.0 * static_cast<double>(i) / static_cast<double>(count)), .elevation = elevation};
    if (flat_light) {
      shot.light = kFlatLight;
    } else {
      shot.light.direction = beside_camera(shot.azimuth, elevation, 0, 0.3);
    }
    shots.push_back(shot);
  }
  return shots;
}

void render_shot(Renderer& renderer, const Mesh& mesh, const Shot& shot, size_t index, Pictures& pictures) {
  const Camera camera =
      orbit_camera(90 - shot.elevation, shot.azimuth, kDistance, kFieldOfView, pictures.size, pictures.size);
  const size_t pixels = static_cast<size_t>(pictures.size) * static_cast<size_t>(pictures.size);
  renderer.draw(mesh, camera, shot.light,
                {.rgb = pictures.rgb.data() + 3 * pixels * index, .alpha = pictures.alpha.data() + pixels * index});
}

}  // namespace lucid::corpus
