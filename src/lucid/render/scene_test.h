// SPDX-License-Identifier: Apache-2.0
// Scenes that own their arrays, the passes over them, and how two results are compared. Shared by this module's tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/render/rasterize.h"

namespace lucid::render::test {

template <class Real>
struct Scene {
  int sh_degree = 0;
  std::vector<Real> means, scales, quats, opacities, sh;
  Camera camera;
  std::array<Real, 3> background{1, 1, 1};
  std::vector<Real> d_rgb, d_depth, d_alpha;
  Filter filter = Filter::kDilated;

  int64_t count() const { return int64_t(opacities.size()); }
  int64_t pixels() const { return int64_t(camera.width) * camera.height; }
  CloudView<Real> cloud() const {
    return {count(), sh_degree, means.data(), scales.data(), quats.data(), opacities.data(), sh.data(), filter};
  }
  ImageGradients<Real> d_images() const { return {d_rgb.data(), d_depth.data(), d_alpha.data()}; }
  template <class Other>
  Scene<Other> as() const {
    const auto cast = [](const std::vector<Real>& v) { return std::vector<Other>(v.begin(), v.end()); };
    return {sh_degree,       cast(means),
            cast(scales),    cast(quats),
            cast(opacities), cast(sh),
            camera,          {Other(background[0]), Other(background[1]), Other(background[2])},
            cast(d_rgb),     cast(d_depth),
            cast(d_alpha),   filter};
  }
};

/// Looks from (0, -distance, 0) along +y; z is up.
inline Camera front_camera(int width, int height, double distance, double tan_half_fov_y) {
  Camera camera;
  camera.camera_from_world = {1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, distance, 0, 0, 0, 1};
  camera.tan_half_fov_y = tan_half_fov_y;
  camera.tan_half_fov_x = tan_half_fov_y * width / height;
  camera.width = width;
  camera.height = height;
  return camera;
}

/// What loss the images feed: random weights of all three outputs, the same on float and double scenes.
inline void draw_upstream(Rng& rng, Scene<float>* scene) {
  const size_t pixels = size_t(scene->pixels());
  scene->d_rgb.resize(3 * pixels);
  scene->d_depth.resize(pixels);
  scene->d_alpha.resize(pixels);
  for (auto* d : {&scene->d_rgb, &scene->d_depth, &scene->d_alpha}) rng.fill_normal(d->data(), d->size());
}

/// Adds one Gaussian with random colour and rotation. No two scales are equal: the rotation of a ball has no gradient,
/// and rounding errors relative to nothing cannot be compared.
struct Blob {
  std::array<double, 3> mean{}, scale{0.1, 0.1, 0.1};
  double opacity = 0.5;
};
inline void add(Rng& rng, const Blob& blob, Scene<float>* scene) {
  for (const double v : blob.mean) scene->means.push_back(float(v));
  for (const double v : blob.scale) scene->scales.push_back(float(v * rng.uniform(0.7, 1.3)));
  for (int k = 0; k < 4; ++k) scene->quats.push_back(float(rng.normal()));
  scene->opacities.push_back(float(blob.opacity));
  for (int k = 0; k < 3 * (scene->sh_degree + 1) * (scene->sh_degree + 1); ++k) {
    scene->sh.push_back(float(0.4 * rng.normal()));
  }
}

template <class Real>
struct Result {
  std::vector<Real> rgb, depth, alpha;
  std::vector<int32_t> radii;
  std::vector<Real> means, scales, quats, opacities, sh, means2d;

  explicit Result(const Scene<Real>& s)
      : rgb(size_t(3 * s.pixels())),
        depth(size_t(s.pixels())),
        alpha(size_t(s.pixels())),
        radii(size_t(s.count())),
        means(s.means.size()),
        scales(s.scales.size()),
        quats(s.quats.size()),
        opacities(s.opacities.size()),
        sh(s.sh.size()),
        means2d(size_t(2 * s.count())) {
    const Real junk = Real(-7.5e8);  // outputs are overwritten, not added to
    for (auto* v : {&rgb, &depth, &alpha, &means, &scales, &quats, &opacities, &sh, &means2d}) {
      std::fill(v->begin(), v->end(), junk);
    }
  }
  Images<Real> images() { return {rgb.data(), depth.data(), alpha.data(), radii.data()}; }
  CloudGradients<Real> gradients() {
    return {means.data(), scales.data(), quats.data(), opacities.data(), sh.data(), means2d.data()};
  }
};

template <class Real>
Result<Real> run_reference(const Scene<Real>& scene) {
  Result<Real> r(scene);
  reference::forward(scene.cloud(), scene.camera, scene.background, r.images());
  reference::backward(scene.cloud(), scene.camera, scene.background, scene.d_images(), r.gradients());
  return r;
}

inline Result<float> run_cpu(const Scene<float>& scene, CpuRasterizer* rasterizer, int frame = 0) {
  Result<float> r(scene);
  rasterizer->forward(frame, scene.cloud(), scene.camera, scene.background, r.images());
  rasterizer->backward(frame, scene.cloud(), scene.d_images(), r.gradients());
  return r;
}

/// Runs body once for each instruction set that this machine has (a wider one than it has lowers itself).
template <class Body>
void for_each_isa(const Body& body) {
  const char* before = std::getenv("LUCID_ISA");
  const std::string saved = before == nullptr ? "" : before;
  for (const char* isa : {"portable", "avx2", "avx512"}) {
    setenv("LUCID_ISA", isa, 1);
    if (std::string(cpu_isa()) != isa) continue;
    SCOPED_TRACE(isa);
    body();
  }
  before == nullptr ? unsetenv("LUCID_ISA") : setenv("LUCID_ISA", saved.c_str(), 1);
}

/// Largest |a - b| relative to the largest |b|; `over` counts values beyond `tolerance`. NaN counts as beyond.
struct Difference {
  double worst = 0;
  int64_t over = 0;
};
template <class A, class B>
Difference difference(const A& got, const B& expected, double tolerance) {
  Difference out;
  double scale = 0;
  for (const auto v : expected) scale = std::max(scale, std::abs(double(v)));
  if (scale == 0) scale = 1;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::abs(double(got[i]) - double(expected[i])) / scale;
    if (!(error <= tolerance)) ++out.over;
    if (!(error <= out.worst)) out.worst = error;
  }
  return out;
}

/// At most `excused` values may be further away than `tolerance` of the tensor's largest.
template <class A, class B>
void expect_close(const std::string& name, const A& got, const B& expected, double tolerance, double excused = 0) {
  ASSERT_EQ(got.size(), expected.size()) << name;
  const Difference d = difference(got, expected, tolerance);
  EXPECT_LE(double(d.over), excused * double(expected.size()))
      << name << ": worst " << d.worst << " of the tensor's largest, tolerance " << tolerance;
}

}  // namespace lucid::render::test
