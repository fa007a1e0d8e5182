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

/// What is drawn for a view besides its azimuth.
struct Setting {
  double elevation = 0, light_right = 0, light_up = 0;  // the light's offsets from the camera, see beside_camera()
  Light light{};                                        // without its direction
};

Setting random_setting(Rng& rng) {
  Setting setting;
  setting.elevation = rng.chance(kHigherShare) ? rng.uniform(kHigh, kHighest) : rng.uniform(kLow, kHigh);
  setting.light_right = rng.uniform(-0.4, 0.4);
  setting.light_up = rng.uniform(0, 0.6);
  const double brightest = rng.uniform(0.95, 1.0);
  setting.light.diffuse = static_cast<float>(rng.uniform(0.38, 0.5));
  setting.light.ambient = static_cast<float>(brightest) - setting.light.diffuse - setting.light.sky;
  return setting;
}

Shot shot_at(double azimuth, const Setting& setting) {
  Shot shot{.azimuth = wrapped(azimuth), .elevation = setting.elevation, .light = setting.light};
  shot.light.direction = beside_camera(shot.azimuth, shot.elevation, setting.light_right, setting.light_up);
  return shot;
}

}  // namespace

std::vector<Shot> random_shots(int64_t count, Rng& rng) {
  std::vector<Shot> shots;
  for (int64_t i = 0; i < count; ++i) {
    const double azimuth = 360 * (static_cast<double>(i) + rng.uniform()) / static_cast<double>(count);
    shots.push_back(shot_at(azimuth, random_setting(rng)));
  }
  return shots;
}

std::vector<Shot> grouped_shots(int64_t count, Rng& rng) {
  constexpr double kTurn = 360.0 / kGroupViews;
  std::vector<Shot> shots;
  for (int64_t i = 0; i < count; ++i) {
    const double start = kTurn * (static_cast<double>(i) + rng.uniform()) / static_cast<double>(count);
    const Setting setting = random_setting(rng);
    for (int64_t view = 0; view < kGroupViews; ++view)
      shots.push_back(shot_at(start + kTurn * static_cast<double>(view), setting));
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
