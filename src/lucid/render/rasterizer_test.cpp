// SPDX-License-Identifier: Apache-2.0
// The CPU rasteriser against the oracle on random and hostile scenes, for every instruction set; and its promises:
// the same bits at any thread count, frames that do not disturb each other, refusal of numbers that are none.
#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>

#include "lucid/base/error.h"
#include "lucid/render/scene_test.h"

namespace lucid::render::test {
namespace {

constexpr double kForward = 2e-4, kBackward = 2e-3, kThresholdPixels = 1e-3;

Scene<float> random_scene(uint64_t seed, int count, int width, int height, int sh_degree = 0) {
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
  draw_upstream(rng, &s);
  return s;
}

void expect_agreement(const Scene<float>& scene) {
  const Result<double> expected = run_reference(scene.as<double>());
  for_each_isa([&] {
    CpuRasterizer rasterizer;
    const Result<float> got = run_cpu(scene, &rasterizer);
    // A pixel on a threshold may fall either side; one such pixel is forgiven in small images too.
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
  });
}

using Draw = std::function<Blob(Rng&, int)>;

struct HostileScene {
  const char* name;
  int count, width, height;
  Draw draw;
};
void PrintTo(const HostileScene& scene, std::ostream* out) { *out << scene.name; }

std::array<double, 3> anywhere(Rng& rng, double reach) {
  return {rng.uniform(-reach, reach), rng.uniform(-reach, reach), rng.uniform(-reach, reach)};
}

/// The camera stands at y = -3.5 and looks along +y; depth is y + 3.5.
std::vector<HostileScene> hostile_scenes() {
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
  scene("nothing", 0, 33, 17, [](Rng&, int) { return Blob{}; });
  scene("one_pixel", 20, 1, 1, [](Rng& rng, int) { return Blob{anywhere(rng, 0.3), {0.4, 0.4, 0.4}, 0.2}; });
  scene("one_row", 40, 97, 1, [](Rng& rng, int) { return Blob{anywhere(rng, 1), {0.2, 0.2, 0.2}, 0.3}; });
  scene("one_column", 40, 1, 97, [](Rng& rng, int) { return Blob{anywhere(rng, 1), {0.2, 0.2, 0.2}, 0.3}; });
  scene("odd_size", 100, 31, 47, [](Rng& rng, int) { return Blob{anywhere(rng, 1), {0.2, 0.1, 0.2}, 0.3}; });
  return scenes;
}

class Hostile : public testing::TestWithParam<HostileScene> {};

TEST_P(Hostile, CpuAgreesWithReference) {
  const HostileScene& param = GetParam();
  Rng rng(5, param.name);
  Scene<float> scene;
  scene.sh_degree = 1;
  scene.camera = front_camera(param.width, param.height, 3.5, 0.25);
  for (int i = 0; i < param.count; ++i) add(rng, param.draw(rng, i), &scene);
  draw_upstream(rng, &scene);
  expect_agreement(scene);
}

INSTANTIATE_TEST_SUITE_P(Scenes, Hostile, testing::ValuesIn(hostile_scenes()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(CpuRasterizer, AgreesWithReferenceOnRandomScenes) {
  for (int seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    expect_agreement(random_scene(uint64_t(seed), 40 << (seed % 5), 32 + 17 * seed, 64 - 5 * seed, seed % 4));
  }
}

TEST(CpuRasterizer, ZeroQuaternionsAreTheIdentity) {
  Scene<float> scene = random_scene(1, 20, 32, 32);
  std::fill(scene.quats.begin(), scene.quats.begin() + 40, 0.0f);
  expect_agreement(scene);
}

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

void expect_same_bytes(const Result<float>& a, const Result<float>& b) {
  for (const auto member : {&Result<float>::rgb, &Result<float>::depth, &Result<float>::alpha, &Result<float>::means,
                            &Result<float>::scales, &Result<float>::quats, &Result<float>::opacities,
                            &Result<float>::sh, &Result<float>::means2d}) {
    EXPECT_TRUE(same_bytes(a.*member, b.*member));
  }
  EXPECT_EQ(a.radii, b.radii);
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
