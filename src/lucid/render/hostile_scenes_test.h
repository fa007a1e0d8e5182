// SPDX-License-Identifier: Apache-2.0
// Hostile scenes (degenerate Gaussians, extreme sizes, ties in depth) that every backend must render like the
// reference implementation, and the tolerances of that comparison.
#pragma once

#include <cstring>
#include <functional>
#include <ostream>

#include "lucid/render/scene_test.h"

namespace lucid::render::test {

inline Scene<float> random_scene(uint64_t seed, int count, int width, int height, int sh_degree = 0) {
  Rng rng(seed, "random");
  Scene<float> s;
  s.sh_degree = sh_degree;
  s.camera = front_camera(width, height, 3.5, 0.25);
  s.background = {0.1f, 0.7f, 0.4f};
  const double size = 0.8 * std::pow(double(std::max(count, 8)), -1.0 / 3);
  for (int i = 0; i < count; ++i) {
    Blob blob;
    for (double& m : blob.mean) m = rng.uniform(-1, 1);
    for (double& v : blob.scale) v = size * rng.uniform(0.5, 1.5);
    blob.opacity = rng.uniform(0.02, 0.95);
    add(rng, blob, &s);
  }
  draw_image_gradients(rng, &s);
  return s;
}

using Draw = std::function<Blob(Rng&, int)>;

struct HostileScene {
  const char* name;
  int count, width, height;
  Draw draw;
};
inline void PrintTo(const HostileScene& scene, std::ostream* out) { *out << scene.name; }

inline std::array<double, 3> anywhere(Rng& rng, double reach) {
  return {rng.uniform(-reach, reach), rng.uniform(-reach, reach), rng.uniform(-reach, reach)};
}

/// The camera is at y = -3.5 and looks along +y, so depth is y + 3.5.
inline std::vector<HostileScene> hostile_scenes() {
  std::vector<HostileScene> scenes;
  const auto scene = [&](const char* name, int count, int width, int height, Draw draw) {
    scenes.push_back({name, count, width, height, std::move(draw)});
  };
  scene("behind_the_camera", 60, 40, 40, [](Rng& rng, int i) {
    Blob blob{anywhere(rng, 1)};
    if (i % 2 == 0) blob.mean[1] = -3.5 - rng.uniform(0, 3);
    return blob;
  });
  scene("on_the_near_plane", 40, 40, 40, [](Rng& rng, int i) {
    return Blob{{0.02 * rng.normal(), -3.5 + 0.2 + (i % 4 - 1) * 1e-3, 0.02 * rng.normal()}, {0.02, 0.02, 0.02}, 0.4};
  });
  scene("needles", 60, 64, 48, [](Rng& rng, int) {
    return Blob{anywhere(rng, 0.8), {1e-4, 1e-4, rng.uniform(0.5, 1.5)}, rng.uniform(0.1, 0.9)};
  });
  scene("plates", 60, 48, 64, [](Rng& rng, int) {
    return Blob{anywhere(rng, 0.8), {1e-5, 0.3, 0.3}, rng.uniform(0.1, 0.9)};
  });
  scene("huge", 20, 48, 48, [](Rng& rng, int) {
    return Blob{anywhere(rng, 2), {rng.uniform(5, 50), rng.uniform(5, 50), rng.uniform(5, 50)}, 0.2};
  });
  scene("points", 80, 64, 64, [](Rng& rng, int) { return Blob{anywhere(rng, 1), {1e-7, 1e-7, 1e-7}, 0.9}; });
  scene("zero_scale", 10, 32, 32, [](Rng& rng, int) { return Blob{anywhere(rng, 0.5), {0, 0, 0}, 0.9}; });
  scene("transparent", 50, 40, 40, [](Rng& rng, int i) {
    return Blob{anywhere(rng, 0.7), {0.1, 0.1, 0.1}, i % 3 == 0 ? 0.5 : (i % 3 == 1 ? 0.0 : 1.0 / 256)};
  });
  scene("opaque", 50, 40, 40, [](Rng& rng, int) { return Blob{anywhere(rng, 0.7), {0.2, 0.2, 0.2}, 1}; });
  scene("far_outside", 80, 40, 40, [](Rng& rng, int) {
    return Blob{anywhere(rng, 3), {rng.uniform(0.2, 2), 0.3, 0.3}, 0.5};
  });
  scene("one_over_every_tile", 1, 130, 70, [](Rng&, int) { return Blob{{0.1, 0, -0.1}, {3, 2, 3}, 0.7}; });
  scene("two_thousand_on_one_pixel", 2000, 33, 33, [](Rng& rng, int) {
    return Blob{{1e-4 * rng.normal(), rng.uniform(-1, 1), 1e-4 * rng.normal()}, {1e-3, 1e-3, 1e-3}, 0.01};
  });
  scene("equal_depths", 600, 48, 48, [](Rng& rng, int) {
    return Blob{{rng.uniform(-0.7, 0.7), 0, rng.uniform(-0.7, 0.7)}, {0.1, 0.1, 0.1}, 0.3};
  });
  scene("depths_that_float_cannot_tell_apart", 300, 48, 48, [](Rng& rng, int) {
    return Blob{{rng.uniform(-0.5, 0.5), 1e-9 * rng.normal(), rng.uniform(-0.5, 0.5)}, {0.2, 0.2, 0.2}, 0.3};
  });
  scene("nothing", 0, 33, 17, [](Rng&, int) { return Blob{}; });
  scene("one_pixel", 20, 1, 1, [](Rng& rng, int) { return Blob{anywhere(rng, 0.3), {0.4, 0.4, 0.4}, 0.2}; });
  scene("one_row", 40, 97, 1, [](Rng& rng, int) { return Blob{anywhere(rng, 1), {0.2, 0.2, 0.2}, 0.3}; });
  scene("one_column", 40, 1, 97, [](Rng& rng, int) { return Blob{anywhere(rng, 1), {0.2, 0.2, 0.2}, 0.3}; });
  scene("odd_size", 100, 31, 47, [](Rng& rng, int) { return Blob{anywhere(rng, 1), {0.2, 0.1, 0.2}, 0.3}; });
  return scenes;
}

inline Scene<float> draw(const HostileScene& hostile) {
  Rng rng(5, hostile.name);
  Scene<float> scene;
  scene.sh_degree = 1;
  scene.camera = front_camera(hostile.width, hostile.height, 3.5, 0.25);
  for (int i = 0; i < hostile.count; ++i) add(rng, hostile.draw(rng, i), &scene);
  draw_image_gradients(rng, &scene);
  return scene;
}

constexpr double kForward = 2e-4, kBackward = 2e-3, kThresholdPixels = 1e-3;

inline void expect_result(const Scene<float>& scene, const Result<float>& got, const Result<double>& expected) {
  // A pixel on a threshold may fall on either side of it. At least one such pixel is allowed, also in small images.
  const double excused = std::max(kThresholdPixels, 1.0 / double(scene.pixels()));
  expect_close("rgb", got.rgb, expected.rgb, kForward, excused);
  expect_close("depth", got.depth, expected.depth, kForward, excused);
  expect_close("alpha", got.alpha, expected.alpha, kForward, excused);
  EXPECT_EQ(got.radii, expected.radii);
  expect_close("means", got.means, expected.means, kBackward, kThresholdPixels);
  expect_close("scales", got.scales, expected.scales, kBackward, kThresholdPixels);
  expect_close("quats", got.quats, expected.quats, kBackward, kThresholdPixels);
  expect_close("opacities", got.opacities, expected.opacities, kBackward, kThresholdPixels);
  expect_close("sh", got.sh, expected.sh, kBackward, kThresholdPixels);
  expect_close("means2d", got.means2d, expected.means2d, kBackward, kThresholdPixels);
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

inline void expect_same_bytes(const Result<float>& a, const Result<float>& b) {
  for (const auto member : {&Result<float>::rgb, &Result<float>::depth, &Result<float>::alpha, &Result<float>::means,
                            &Result<float>::scales, &Result<float>::quats, &Result<float>::opacities,
                            &Result<float>::sh, &Result<float>::means2d}) {
    EXPECT_TRUE(same_bytes(a.*member, b.*member));
  }
  EXPECT_EQ(a.radii, b.radii);
}

}  // namespace lucid::render::test
