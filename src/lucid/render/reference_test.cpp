// SPDX-License-Identifier: Apache-2.0
// Tests of the reference rasteriser: its gradients equal the central differences of its images.
#include <gtest/gtest.h>

#include "lucid/render/scene_test.h"

namespace lucid::render::test {
namespace {

/// A few wide, translucent Gaussians in a small image. No pixel is near a threshold (alpha cut, stop, clamp, edge of
/// the tile rectangle), so the images are smooth in every parameter.
Scene<double> smooth_scene(uint64_t seed, int sh_degree) {
  Rng rng(seed, "smooth");
  Scene<float> s;
  s.sh_degree = sh_degree;
  s.camera = front_camera(13, 11, 3, 0.15);
  s.background = {0.2f, 0.5f, 0.9f};
  for (int i = 0; i < 6; ++i) {
    Blob blob;
    for (double& m : blob.mean) m = rng.uniform(-0.2, 0.2);
    for (double& v : blob.scale) v = rng.uniform(0.4, 0.8);
    blob.opacity = rng.uniform(0.2, 0.5);
    add(rng, blob, &s);
    for (size_t c = s.sh.size() - size_t(3 * sh_count(sh_degree)), end = c + 3; c < end; ++c) {
      s.sh[c] = 3;  // bright enough that no colour is clamped
    }
  }
  draw_image_gradients(rng, &s);
  return s.as<double>();
}

double loss(const Scene<double>& s) {
  Result<double> r(s);
  reference::forward(s.cloud(), s.camera, s.background, r.images());
  double sum = 0;
  for (size_t i = 0; i < r.rgb.size(); ++i) sum += s.d_rgb[i] * r.rgb[i];
  for (size_t i = 0; i < r.depth.size(); ++i) sum += s.d_depth[i] * r.depth[i] + s.d_alpha[i] * r.alpha[i];
  return sum;
}

void expect_gradient(const char* name, const Scene<double>& scene, std::vector<double> Scene<double>::*member,
                     const std::vector<double>& gradient) {
  constexpr double kStep = 1e-5;
  std::vector<double> expected(gradient.size());
  Scene<double> moved = scene;
  for (size_t i = 0; i < gradient.size(); ++i) {
    double& value = (moved.*member)[i];
    const double before = value;
    value = before + kStep;
    const double up = loss(moved);
    value = before - kStep;
    expected[i] = (up - loss(moved)) / (2 * kStep);
    value = before;
  }
  expect_close(name, gradient, expected, 1e-7);
}

void expect_gradients(const Scene<double>& scene) {
  const Result<double> r = run_reference(scene);
  expect_gradient("means", scene, &Scene<double>::means, r.means);
  expect_gradient("scales", scene, &Scene<double>::scales, r.scales);
  expect_gradient("quats", scene, &Scene<double>::quats, r.quats);
  expect_gradient("opacities", scene, &Scene<double>::opacities, r.opacities);
  expect_gradient("sh", scene, &Scene<double>::sh, r.sh);
}

TEST(Reference, GradientsAreCentralDifferences) {
  for (int degree = 0; degree <= 3; ++degree) {
    SCOPED_TRACE(degree);
    expect_gradients(smooth_scene(uint64_t(degree), degree));
  }
}

TEST(Reference, GradientsWhereTheJacobianIsClamped) {
  Scene<double> scene = smooth_scene(7, 1);
  for (int i = 0; i < 3; ++i) {  // centres far outside the image, wide enough to cover all of it
    scene.means[size_t(3 * i)] = i == 1 ? -0.9 : 0.9;
    scene.means[size_t(3 * i + 2)] = i == 2 ? 0.85 : 0.1;
    for (int k = 0; k < 3; ++k) scene.scales[size_t(3 * i + k)] = 1.2 + 0.1 * k;
  }
  expect_gradients(scene);
}

TEST(Reference, GradientsWithTheMipFilter) {
  for (int degree = 0; degree <= 1; ++degree) {
    Scene<double> scene = smooth_scene(uint64_t(20 + degree), degree);
    scene.filter = Filter::kMip;
    // At this distance each Gaussian is about as wide as the dilation, so the filter halves its opacity.
    scene.camera.tan_half_fov_x *= 12;
    scene.camera.tan_half_fov_y *= 12;
    Scene<double> dilated = scene;
    dilated.filter = Filter::kDilated;
    EXPECT_LT(run_reference(scene).alpha[6 * 13 + 5], 0.8 * run_reference(dilated).alpha[6 * 13 + 5]);
    expect_gradients(scene);
  }
}

TEST(Reference, TheMipFilterKeepsAGaussiansLightAtAnyDistance) {
  // The sum of alpha over the image times the squared distance: constant for kMip, growing for kDilated.
  const auto light = [](Filter filter, double distance) {
    Scene<double> scene;
    scene.filter = filter;
    scene.camera = front_camera(41, 41, distance, 0.5);
    scene.means = {0, 0, 0};
    scene.scales = {0.06, 0.06, 0.06};
    scene.quats = {1, 0, 0, 0};
    scene.opacities = {0.9};
    scene.sh = {0, 0, 0};
    scene.d_rgb.assign(3 * 41 * 41, 0);
    scene.d_depth.assign(41 * 41, 0);
    scene.d_alpha.assign(41 * 41, 0);
    double sum = 0;
    for (const double a : run_reference(scene).alpha) sum += a;
    return sum * distance * distance;
  };
  EXPECT_NEAR(light(Filter::kMip, 10) / light(Filter::kMip, 2.5), 1, 0.1);
  EXPECT_GT(light(Filter::kDilated, 10) / light(Filter::kDilated, 2.5), 2);
}

TEST(Reference, FloatFollowsDouble) {
  const Scene<double> scene = smooth_scene(3, 3);
  const Result<double> wide = run_reference(scene);
  const Result<float> narrow = run_reference(scene.as<float>());
  expect_close("rgb", narrow.rgb, wide.rgb, 1e-5);
  expect_close("means", narrow.means, wide.means, 1e-4);
  expect_close("quats", narrow.quats, wide.quats, 1e-4);
}

TEST(Reference, BackgroundShowsWhereNothingIs) {
  Scene<double> scene;
  scene.camera = front_camera(5, 3, 2, 0.4);
  scene.background = {0.25, 0.5, 0.75};
  scene.d_rgb.assign(45, 1);
  scene.d_depth.assign(15, 1);
  scene.d_alpha.assign(15, 1);
  const Result<double> r = run_reference(scene);
  for (size_t i = 0; i < 15; ++i) {
    EXPECT_EQ(r.rgb[i], 0.25);
    EXPECT_EQ(r.rgb[15 + i], 0.5);
    EXPECT_EQ(r.rgb[30 + i], 0.75);
    EXPECT_EQ(r.alpha[i], 0);
    EXPECT_EQ(r.depth[i], 0);
  }
}

}  // namespace
}  // namespace lucid::render::test
