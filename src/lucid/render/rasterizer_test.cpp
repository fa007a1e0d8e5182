// SPDX-License-Identifier: Apache-2.0
// Tests of the CPU rasteriser: agreement with the reference on random and hostile scenes for every instruction set, the
// same bits at any thread count, independent frames, and rejection of NaN and Inf.
#include <gtest/gtest.h>
#include <omp.h>

#include <limits>
#include <stdexcept>

#include "lucid/base/error.h"
#include "lucid/render/hostile_scenes_test.h"

namespace lucid::render::test {
namespace {

void expect_agreement(const Scene<float>& scene) {
  const Result<double> expected = run_reference(scene.as<double>());
  for_each_isa([&] {
    CpuRasterizer rasterizer;
    const Result<float> got = run_cpu(scene, &rasterizer);
    expect_result(scene, got, expected);
  });
}

class Hostile : public testing::TestWithParam<HostileScene> {};

TEST_P(Hostile, CpuAgreesWithReference) { expect_agreement(draw(GetParam())); }

INSTANTIATE_TEST_SUITE_P(Scenes, Hostile, testing::ValuesIn(hostile_scenes()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(CpuRasterizer, AgreesWithReferenceOnRandomScenes) {
  for (int seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    expect_agreement(random_scene(uint64_t(seed), 40 << (seed % 5), 32 + 17 * seed, 64 - 5 * seed, seed % 4));
  }
}

TEST(CpuRasterizer, MipFilterAgreesWithReference) {
  for (int seed = 50; seed < 54; ++seed) {
    SCOPED_TRACE(seed);
    Scene<float> scene = random_scene(uint64_t(seed), 600, 49 + seed, 60, seed % 4);
    scene.filter = Filter::kMip;
    expect_agreement(scene);
  }
}

TEST(CpuRasterizer, ZeroQuaternionsAreTheIdentity) {
  Scene<float> scene = random_scene(1, 20, 32, 32);
  std::fill(scene.quats.begin(), scene.quats.begin() + 40, 0.0f);
  expect_agreement(scene);
}

TEST(CpuRasterizer, SameBytesAtAnyThreadCount) {
  const Scene<float> scene = random_scene(11, 5000, 150, 130, 1);
  const int threads = omp_get_max_threads();
  for_each_isa([&] {
    CpuRasterizer rasterizer;
    omp_set_num_threads(1);
    const Result<float> one = run_cpu(scene, &rasterizer);
    for (const int many : {2, 3, 4}) {
      omp_set_num_threads(many);
      expect_same_bytes(one, run_cpu(scene, &rasterizer));
    }
  });
  omp_set_num_threads(threads);
}

TEST(CpuRasterizer, FramesAreKeptApart) {
  const Scene<float> a = random_scene(21, 300, 64, 48), b = random_scene(22, 700, 33, 90, 2);
  CpuRasterizer rasterizer, fresh;
  Result<float> ra(a), rb(b);
  rasterizer.forward(0, a.cloud(), a.camera, a.background, ra.images());
  rasterizer.forward(3, b.cloud(), b.camera, b.background, rb.images());
  rasterizer.backward(0, a.cloud(), a.d_images(), ra.gradients());
  rasterizer.backward(3, b.cloud(), b.d_images(), rb.gradients());
  expect_same_bytes(ra, run_cpu(a, &fresh));
  expect_same_bytes(rb, run_cpu(b, &fresh));
  EXPECT_GT(rasterizer.blended_pairs(0), 0);
  EXPECT_THROW(rasterizer.backward(1, a.cloud(), a.d_images(), ra.gradients()), std::logic_error);
  EXPECT_THROW(rasterizer.backward(0, b.cloud(), a.d_images(), ra.gradients()), std::logic_error);
}

// The counts are exact: one Gaussian blends with each pixel that it covers inside the image, and with no other.
TEST(CpuRasterizer, PairsAreThePixelsThatAGaussianCovers) {
  for (const double size : {0.1, 3.0}) {  // within the image, and beyond all its borders
    Scene<float> scene;
    scene.camera = front_camera(40, 37, 4, 0.5);
    Rng rng(5, "blob");
    add(rng, {.mean = {0, 0, 0}, .scale = {size, size, size}}, &scene);
    draw_image_gradients(rng, &scene);
    for_each_isa([&] {
      CpuRasterizer rasterizer;
      const Result<float> got = run_cpu(scene, &rasterizer);
      const auto covered = std::ranges::count_if(got.alpha, [](float alpha) { return alpha > 0; });
      EXPECT_GT(covered, 0);
      EXPECT_EQ(rasterizer.blended_pairs(0), covered);
      EXPECT_EQ(rasterizer.statistics(0).visited, rasterizer.statistics(0).entries);
    });
  }
}

TEST(CpuRasterizer, SeveralViewsInOneCall) {
  const Scene<float> scene = random_scene(23, 800, 64, 48, 1);
  Scene<float> other = scene;
  other.camera = front_camera(50, 70, 4, 0.3);
  Rng rng(23, "upstream");
  draw_image_gradients(rng, &other);
  CpuRasterizer rasterizer, fresh;
  Result<float> first(scene), second(other);
  const ViewJob jobs[] = {{2, scene.camera, first.images()}, {0, other.camera, second.images()}};
  rasterizer.forward(scene.cloud(), jobs, scene.background);
  rasterizer.backward(0, scene.cloud(), other.d_images(), second.gradients());
  rasterizer.backward(2, scene.cloud(), scene.d_images(), first.gradients());
  expect_same_bytes(first, run_cpu(scene, &fresh));
  expect_same_bytes(second, run_cpu(other, &fresh));
  rasterizer.forward(scene.cloud(), {}, scene.background);  // nothing to draw
  const ViewJob twice[] = {jobs[0], jobs[0]};
  EXPECT_THROW(rasterizer.forward(scene.cloud(), twice, scene.background), std::logic_error);
}

TEST(CpuRasterizer, PointersMayBeNull) {
  const Scene<float> scene = random_scene(31, 200, 48, 48);
  CpuRasterizer rasterizer;
  const Result<float> full = run_cpu(scene, &rasterizer);
  Scene<float> only_depth = scene;
  std::fill(only_depth.d_rgb.begin(), only_depth.d_rgb.end(), 0.0f);
  std::fill(only_depth.d_alpha.begin(), only_depth.d_alpha.end(), 0.0f);
  const Result<float> expected = run_cpu(only_depth, &rasterizer);
  Result<float> got(scene);
  rasterizer.forward(0, scene.cloud(), scene.camera, scene.background, {.rgb = got.rgb.data()});
  EXPECT_TRUE(same_bytes(got.rgb, full.rgb));
  rasterizer.backward(0, scene.cloud(), {.depth = scene.d_depth.data()}, {.means = got.means.data()});
  EXPECT_TRUE(same_bytes(got.means, expected.means));
}

TEST(CpuRasterizer, RefusesWhatIsNotFinite) {
  const Scene<float> good = random_scene(41, 30, 16, 16, 1);
  const std::pair<const char*, std::vector<float> Scene<float>::*> tensors[] = {
      {"means[7, 1]", &Scene<float>::means},
      {"scales[7, 1]", &Scene<float>::scales},
      {"quats[7, 1]", &Scene<float>::quats},
      {"opacities[7, 0]", &Scene<float>::opacities},
      {"sh[7, 1]", &Scene<float>::sh}};
  for (const auto& [place, member] : tensors) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
      Scene<float> scene = good;
      auto& values = scene.*member;
      const size_t columns = values.size() / 30;
      values[7 * columns + (columns > 1 ? 1 : 0)] = bad;
      Result<float> r(scene);
      CpuRasterizer rasterizer;
      for (const bool cpu : {true, false}) {
        try {
          if (cpu) {
            rasterizer.forward(0, scene.cloud(), scene.camera, scene.background, r.images());
          } else {
            reference::forward(scene.cloud(), scene.camera, scene.background, r.images());
          }
          ADD_FAILURE() << place << " was accepted";
        } catch (const std::invalid_argument& error) {
          EXPECT_NE(std::string(error.what()).find(place), std::string::npos) << error.what();
        }
      }
    }
  }
}

TEST(CpuRasterizer, UnknownInstructionSetIsAUsersMistake) {
  const char* before = std::getenv("LUCID_ISA");
  const std::string saved = before == nullptr ? "" : before;
  setenv("LUCID_ISA", "mmx", 1);
  EXPECT_THROW(cpu_isa(), UserError);
  before == nullptr ? unsetenv("LUCID_ISA") : setenv("LUCID_ISA", saved.c_str(), 1);
}

}  // namespace
}  // namespace lucid::render::test
