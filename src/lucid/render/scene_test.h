// SPDX-License-Identifier: Apache-2.0
// Test helpers of the rasteriser: scenes that own their arrays, runs of each backend, and comparison of two results.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/math/sh.h"
#include "lucid/render/rasterize.h"

namespace lucid::render::test {

/// A cloud, a camera and dL/d of the images.
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

/// A camera at (0, -distance, 0) that looks along +y; z is up.
inline Camera front_camera(int width, int height, double distance, double tan_half_fov_y) {
  Camera camera;
  camera.camera_from_world = {1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, distance, 0, 0, 0, 1};
  camera.tan_half_fov_y = tan_half_fov_y;
  camera.tan_half_fov_x = tan_half_fov_y * width / height;
  camera.width = width;
  camera.height = height;
  return camera;
}

/// Draws random dL/d(rgb, depth, alpha).
inline void draw_image_gradients(Rng& rng, Scene<float>* scene) {
  const size_t pixels = size_t(scene->pixels());
  scene->d_rgb.resize(3 * pixels);
  scene->d_depth.resize(pixels);
  scene->d_alpha.resize(pixels);
  for (auto* d : {&scene->d_rgb, &scene->d_depth, &scene->d_alpha}) rng.fill_normal(d->data(), d->size());
}

/// Mean, approximate scale and opacity of one test Gaussian.
struct Blob {
  std::array<double, 3> mean{}, scale{0.1, 0.1, 0.1};
  double opacity = 0.5;
};
/// Adds one Gaussian with random colour and rotation. The three scales differ, because the rotation of a sphere has no
/// gradient, and relative errors of a zero gradient are meaningless.
inline void add(Rng& rng, const Blob& blob, Scene<float>* scene) {
  for (const double v : blob.mean) scene->means.push_back(float(v));
  for (const double v : blob.scale) scene->scales.push_back(float(v * rng.uniform(0.7, 1.3)));
  for (int k = 0; k < 4; ++k) scene->quats.push_back(float(rng.normal()));
  scene->opacities.push_back(float(blob.opacity));
  for (int k = 0; k < 3 * sh_count(scene->sh_degree); ++k) {
    scene->sh.push_back(float(0.4 * rng.normal()));
  }
}

/// Images and gradients of one forward and backward pass.
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
    const Real junk = Real(-7.5e8);  // shows outputs that are added to instead of overwritten
    for (auto* v : {&rgb, &depth, &alpha, &means, &scales, &quats, &opacities, &sh, &means2d}) {
      std::fill(v->begin(), v->end(), junk);
    }
    std::fill(radii.begin(), radii.end(), -7);
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

/// Runs `body` once for each instruction set that this machine has.
template <class Body>
void for_each_isa(const Body& body) {
  const char* before = std::getenv("LUCID_ISA");
  const std::string saved = before == nullptr ? "" : before;
  for (const std::string isa : {"portable", "avx2", "avx512"}) {
    setenv("LUCID_ISA", isa.c_str(), 1);
    if (cpu_isa() != isa) {
      EXPECT_NE(isa, "portable") << "every machine has it";
      continue;
    }
    SCOPED_TRACE(isa);
    body();
  }
  before == nullptr ? unsetenv("LUCID_ISA") : setenv("LUCID_ISA", saved.c_str(), 1);
}

struct Difference {
  double worst = 0;  // largest |got - expected| divided by the largest |expected|
  int64_t over = 0;  // values whose error exceeds the tolerance; NaN exceeds every tolerance
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

/// Expects errors of at most `tolerance` times the largest |expected|, except for a fraction `excused` of the values.
template <class A, class B>
void expect_close(const std::string& name, const A& got, const B& expected, double tolerance, double excused = 0) {
  ASSERT_EQ(got.size(), expected.size()) << name;
  const Difference d = difference(got, expected, tolerance);
  EXPECT_LE(double(d.over), excused * double(expected.size()))
      << name << ": worst " << d.worst << " of the tensor's largest, tolerance " << tolerance;
}

}  // namespace lucid::render::test
