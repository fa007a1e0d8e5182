// SPDX-License-Identifier: Apache-2.0
// Tests of the CUDA rasteriser against the reference and the golden files: kernels and host code under emulation in
// every build, and the compiled ones if the build has CUDA and the machine a device.
#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <optional>
#include <stdexcept>

#include "lucid/base/error.h"
#include "lucid/render/cuda/engine.h"
#include "lucid/render/cuda/memory.h"
#include "lucid/render/golden_scene_test.h"
#include "lucid/render/hostile_scenes_test.h"

namespace lucid::render::test {
namespace {

using Counting = CudaRasterizer::Counting;

enum class Where { kEmulated, kDevice };
std::string name_of(Where where) { return where == Where::kEmulated ? "emulated" : "on_device"; }

/// A scene and its result in memory that the kernels can access: host memory for the emulation, else device memory.
class Placed {
 public:
  Placed(Where where, const Scene<float>& s) : where_(where), result_(s) {
    cloud = {s.count(),      s.sh_degree,        place(s.means), place(s.scales),
             place(s.quats), place(s.opacities), place(s.sh),    s.filter};
    d_images = {place(s.d_rgb), place(s.d_depth), place(s.d_alpha)};
    images = {place(result_.rgb), place(result_.depth), place(result_.alpha), nullptr};
    gradients = {place(result_.means),     place(result_.scales), place(result_.quats),
                 place(result_.opacities), place(result_.sh),     place(result_.means2d)};
    if (where == Where::kDevice) device_radii_.emplace(result_.radii);
    images.radii = where == Where::kDevice ? device_radii_->data() : result_.radii.data();
  }

  Result<float> fetch() {
    size_t at = 0;
    const auto back = [&](std::vector<float>* to) {
      if (where_ == Where::kDevice) {
        device_[first_result_ + at].download(to);
      } else {
        *to = host_[first_result_ + at];
      }
      ++at;
    };
    for (auto* v : {&result_.rgb, &result_.depth, &result_.alpha, &result_.means, &result_.scales, &result_.quats,
                    &result_.opacities, &result_.sh, &result_.means2d}) {
      back(v);
    }
    if (device_radii_) device_radii_->download(&result_.radii);
    return result_;
  }

  CloudView<float> cloud;
  ImageGradients<float> d_images;
  Images<float> images;
  CloudGradients<float> gradients;

 private:
  float* place(const std::vector<float>& values) {
    if (where_ == Where::kDevice) return device_.emplace_back(values).data();
    return host_.emplace_back(values).data();
  }

  static constexpr size_t first_result_ = 8;  // after the cloud's five and the images' three
  Where where_;
  Result<float> result_;
  std::deque<std::vector<float>> host_;
  std::deque<cuda::DeviceArray<float>> device_;
  std::optional<cuda::DeviceArray<int32_t>> device_radii_;
};

/// The rasteriser under emulation or on the device.
class Rasterizer {
 public:
  explicit Rasterizer(Where where, Counting counting = Counting::kExact) {
    if (where == Where::kDevice) {
      device_.emplace(counting);
    } else {
      emulated_.emplace(counting);
    }
  }
  void forward(const CloudView<float>& cloud, const std::vector<ViewJob>& jobs,
               const std::array<float, 3>& background) {
    device_ ? device_->forward(cloud, jobs, background) : emulated_->forward(cloud, jobs, background, nullptr);
  }
  void forward(int frame, const Scene<float>& scene, const Placed& at) {
    forward(at.cloud, {{frame, scene.camera, at.images}}, scene.background);
  }
  void backward(int frame, const Placed& at) {
    device_ ? device_->backward(frame, at.cloud, at.d_images, at.gradients)
            : emulated_->backward(frame, at.cloud, at.d_images, at.gradients, nullptr);
  }
  int64_t lost_pairs(int frame) { return device_ ? device_->lost_pairs(frame) : emulated_->lost_pairs(frame); }
  int64_t blended_pairs(int frame) { return device_ ? device_->blended_pairs(frame) : emulated_->blended_pairs(frame); }

  std::optional<cuda::emulated::Engine> emulated_;

 private:
  std::optional<CudaRasterizer> device_;
};

Result<float> run(Where where, const Scene<float>& scene, Rasterizer* rasterizer, int frame = 0) {
  Placed at(where, scene);
  rasterizer->forward(frame, scene, at);
  rasterizer->backward(frame, at);
  return at.fetch();
}

Result<float> run(Where where, const Scene<float>& scene) {
  Rasterizer rasterizer(where);
  return run(where, scene, &rasterizer);
}

/// A test fixture that skips tests for the device if there is none.
template <class Base>
class Located : public Base {
 protected:
  void SetUp() override {
    if (where() == Where::kDevice && !cuda_available()) GTEST_SKIP() << "no CUDA device, or a build without CUDA";
  }
  Where where() const;
};

class CudaHostile : public Located<testing::TestWithParam<std::tuple<Where, HostileScene>>> {};
template <>
Where Located<testing::TestWithParam<std::tuple<Where, HostileScene>>>::where() const {
  return std::get<0>(this->GetParam());
}

TEST_P(CudaHostile, AgreesWithReference) {
  const Scene<float> scene = draw(std::get<1>(GetParam()));
  expect_result(scene, run(where(), scene), run_reference(scene.as<double>()));
}

INSTANTIATE_TEST_SUITE_P(Scenes, CudaHostile,
                         testing::Combine(testing::Values(Where::kEmulated, Where::kDevice),
                                          testing::ValuesIn(hostile_scenes())),
                         [](const auto& param) {
                           return std::string(std::get<1>(param.param).name) + "_" + name_of(std::get<0>(param.param));
                         });

class Cuda : public Located<testing::TestWithParam<Where>> {};
class CudaGolden : public Cuda {};
template <>
Where Located<testing::TestWithParam<Where>>::where() const {
  return this->GetParam();
}
const auto kEverywhere = testing::Values(Where::kEmulated, Where::kDevice);
const auto kNames = [](const auto& param) { return name_of(param.param); };
INSTANTIATE_TEST_SUITE_P(Kernels, Cuda, kEverywhere, kNames);
INSTANTIATE_TEST_SUITE_P(Kernels, CudaGolden, kEverywhere, kNames);

TEST_P(CudaGolden, ImagesAndGradients) {
  Rasterizer rasterizer(where());
  for (const auto& path : golden_files()) {
    SCOPED_TRACE(path.filename());
    const GoldenFile file(path);
    expect_golden(file, run(where(), scene_of(file).as<float>(), &rasterizer),
                  {kGoldenForward, kGoldenBackward, kGoldenExcused});
  }
}

TEST_P(Cuda, AgreesWithReferenceOnRandomScenes) {
  for (int seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    const Scene<float> scene = random_scene(uint64_t(seed), 40 << (seed % 5), 32 + 17 * seed, 64 - 5 * seed, seed % 4);
    expect_result(scene, run(where(), scene), run_reference(scene.as<double>()));
  }
}

TEST_P(Cuda, MipFilterAgreesWithReference) {
  Scene<float> scene = random_scene(51, 600, 70, 60, 1);
  scene.filter = Filter::kMip;
  expect_result(scene, run(where(), scene), run_reference(scene.as<double>()));
}

TEST_P(Cuda, ZeroQuaternionsAreTheIdentity) {
  Scene<float> scene = random_scene(1, 20, 32, 32);
  std::fill(scene.quats.begin(), scene.quats.begin() + 40, 0.0f);
  expect_result(scene, run(where(), scene), run_reference(scene.as<double>()));
}

TEST_P(Cuda, SameBytesEachTime) {
  const Scene<float> scene = random_scene(11, 600, 70, 50, 1);
  Rasterizer rasterizer(where());
  const Result<float> first = run(where(), scene, &rasterizer);
  cuda::emulated::lane_order = cuda::emulated::LaneOrder::kDescending;  // would reveal a race between threads
  const Result<float> second = run(where(), scene, &rasterizer);
  cuda::emulated::lane_order = cuda::emulated::LaneOrder::kAscending;
  expect_same_bytes(first, second);
}

TEST_P(Cuda, FramesAreKeptApart) {
  const Scene<float> a = random_scene(21, 200, 64, 48), b = random_scene(22, 300, 33, 70, 2);
  Rasterizer rasterizer(where());
  Placed at_a(where(), a), at_b(where(), b);
  rasterizer.forward(0, a, at_a);
  rasterizer.forward(3, b, at_b);
  rasterizer.backward(0, at_a);
  rasterizer.backward(3, at_b);
  expect_same_bytes(at_a.fetch(), run(where(), a));
  expect_same_bytes(at_b.fetch(), run(where(), b));
  EXPECT_THROW(rasterizer.backward(1, at_a), std::logic_error);
  at_a.cloud.count = 100;
  EXPECT_THROW(rasterizer.backward(0, at_a), std::logic_error);
}

TEST_P(Cuda, SeveralViewsInOneCall) {
  const Scene<float> near = random_scene(61, 150, 40, 40);
  Scene<float> far = near;
  far.camera = front_camera(50, 30, 5, 0.3);
  Rng rng(1, "far");
  draw_image_gradients(rng, &far);
  Rasterizer rasterizer(where());
  Placed at_near(where(), near), at_far(where(), far);
  rasterizer.forward(at_near.cloud, {{1, near.camera, at_near.images}, {0, far.camera, at_far.images}},
                     near.background);
  rasterizer.backward(0, at_far);
  rasterizer.backward(1, at_near);
  expect_same_bytes(at_near.fetch(), run(where(), near));
  expect_same_bytes(at_far.fetch(), run(where(), far));
  const ViewJob job{1, near.camera, at_near.images};
  EXPECT_THROW(rasterizer.forward(at_near.cloud, {job, job}, near.background), std::logic_error);
}

TEST_P(Cuda, BlendsAsManyPairsAsTheCpu) {
  const Scene<float> scene = random_scene(71, 300, 48, 48);
  Rasterizer rasterizer(where());
  run(where(), scene, &rasterizer);
  CpuRasterizer cpu;
  run_cpu(scene, &cpu);
  EXPECT_NEAR(double(rasterizer.blended_pairs(0)) / double(cpu.blended_pairs(0)), 1, 1e-3);
}

TEST_P(Cuda, PointersMayBeNull) {
  const Scene<float> scene = random_scene(31, 100, 48, 48);
  const Result<float> full = run(where(), scene);
  Scene<float> only_depth = scene;
  std::fill(only_depth.d_rgb.begin(), only_depth.d_rgb.end(), 0.0f);
  std::fill(only_depth.d_alpha.begin(), only_depth.d_alpha.end(), 0.0f);
  const Result<float> expected = run(where(), only_depth);
  Rasterizer rasterizer(where());
  Placed at(where(), scene);
  at.images = {.rgb = at.images.rgb};
  at.d_images = {.depth = at.d_images.depth};
  at.gradients = {.means = at.gradients.means};
  rasterizer.forward(0, scene, at);
  rasterizer.backward(0, at);
  EXPECT_TRUE(same_bytes(at.fetch().rgb, full.rgb));
  EXPECT_TRUE(same_bytes(at.fetch().means, expected.means));
}

/// The CPU rasteriser's error message for a scene; empty if it renders it.
std::string cpu_refusal(const Scene<float>& scene) {
  try {
    CpuRasterizer cpu;
    run_cpu(scene, &cpu);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST_P(Cuda, RefusesWhatIsNotFiniteInTheWordsOfTheCpu) {
  const Scene<float> good = random_scene(41, 300, 16, 16, 1);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  Rasterizer rasterizer(where());
  for (const auto member : {&Scene<float>::means, &Scene<float>::scales, &Scene<float>::quats, &Scene<float>::opacities,
                            &Scene<float>::sh}) {
    for (const float bad : {kNan, -kNan, kInf, -kInf}) {
      Scene<float> scene = good;
      const size_t columns = (scene.*member).size() / 300;
      (scene.*member)[207 * columns + columns / 2] = bad;
      scene.sh.back() = kNan;  // a second bad element; the message must name the first
      Placed at(where(), scene);
      try {
        rasterizer.forward(0, scene, at);
        ADD_FAILURE() << "accepted: " << cpu_refusal(scene);
      } catch (const std::invalid_argument& error) {
        EXPECT_EQ(error.what(), cpu_refusal(scene));
      }
      EXPECT_THROW(rasterizer.backward(0, at), std::logic_error);
    }
  }
  expect_same_bytes(run(where(), good, &rasterizer), run(where(), good));  // the rasteriser is still usable
}

TEST_P(Cuda, RefusesShapesThatAreNone) {
  Scene<float> scene = random_scene(42, 3, 16, 16);
  Rasterizer rasterizer(where());
  Placed at(where(), scene);
  at.cloud.quats = nullptr;
  EXPECT_THROW(rasterizer.forward(0, scene, at), std::invalid_argument);
  scene.camera.width = 0;
  EXPECT_THROW(rasterizer.forward(0, scene, at), std::invalid_argument);
}

TEST_P(Cuda, ExpectedCountsGiveTheSameBytes) {
  Rasterizer rasterizer(where(), Counting::kExpected);
  for (const int count : {200, 230, 260, 120}) {  // a cloud that grows a little, then leaves much of the room unused
    const Scene<float> scene = random_scene(51, count, 48, 48);
    expect_same_bytes(run(where(), scene, &rasterizer), run(where(), scene));
  }
  EXPECT_EQ(rasterizer.lost_pairs(0), 0);
  if (rasterizer.emulated_) {
    // The first forward waits for its own report; the third and fourth read their predecessor's, which has long
    // arrived; lost_pairs() waits for the last.
    EXPECT_EQ(rasterizer.emulated_->waits(), 4);
  }
}

TEST_P(Cuda, ExpectedCountsThatDoNotSufficeAreReportedAndMended) {
  const Scene<float> few = random_scene(52, 8, 48, 48);
  Scene<float> many = random_scene(53, 1500, 48, 48);
  for (float& s : many.scales) s *= 3;
  Rasterizer rasterizer(where(), Counting::kExpected);
  run(where(), few, &rasterizer);
  const Result<float> cut = run(where(), many, &rasterizer);
  EXPECT_GT(rasterizer.lost_pairs(0), 0);
  for (const float v : cut.means) ASSERT_TRUE(std::isfinite(v));
  expect_same_bytes(run(where(), many, &rasterizer), run(where(), many));
  EXPECT_EQ(rasterizer.lost_pairs(0), 0);
}

TEST_P(Cuda, ExpectedCountsReportNanLate) {
  const Scene<float> good = random_scene(54, 30, 16, 16);
  Scene<float> bad = good;
  bad.scales[4] = std::numeric_limits<float>::infinity();
  Rasterizer rasterizer(where(), Counting::kExpected);
  run(where(), good, &rasterizer);
  Placed at(where(), bad), at_good(where(), good);
  rasterizer.forward(0, bad, at);
  EXPECT_THROW(rasterizer.forward(0, good, at_good), std::invalid_argument);
  expect_same_bytes(run(where(), good, &rasterizer), run(where(), good));
}

TEST(CudaRasterizer, SaysSoWhereThereIsNone) {
  if (cuda_available()) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_EQ(cuda_device(), "");
  EXPECT_THROW(CudaRasterizer{}, UserError);
}

}  // namespace
}  // namespace lucid::render::test
