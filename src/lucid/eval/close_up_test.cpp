// SPDX-License-Identifier: Apache-2.0
// Close-up metrics on synthetic pictures whose values are known.
#include "lucid/eval/close_up.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/camera/sampler.h"
#include "lucid/eval/real_close_up.h"

namespace lucid::eval {
namespace {

constexpr int64_t kSide = 256;

/// Mask of a disc, [1,1,S,S]. Centre and radius in pixels.
torch::Tensor disc(double x, double y, double radius) {
  const torch::Tensor at = torch::arange(kSide, torch::kFloat);
  const torch::Tensor square = (at.unsqueeze(1) - y).square() + (at.unsqueeze(0) - x).square();
  return (square <= radius * radius).to(torch::kFloat).view({1, 1, kSide, kSide});
}

/// 0.5 + 0.2 sin inside the mask, white outside: [1,3,S,S]. `frequency`: cycles per picture width along a direction
/// that is not an axis's.
torch::Tensor wave(double frequency, const torch::Tensor& mask) {
  const torch::Tensor at = torch::arange(kSide, torch::kFloat) / kSide;
  const torch::Tensor phase = 2 * std::numbers::pi * frequency * (0.8 * at.unsqueeze(0) + 0.6 * at.unsqueeze(1));
  const torch::Tensor inside = 0.5 + 0.2 * phase.sin();
  return torch::where(mask > 0.5, inside, torch::ones_like(inside)).expand({1, 3, kSide, kSide}).contiguous();
}

double energy(double frequency, double radius, double cutoff) {
  const torch::Tensor mask = disc(120, 130, radius);
  return fine_energy(fine_detail(wave(frequency, mask), mask, cutoff)).value();
}

TEST(FineEnergy, OfASineAboveTheCutoffIsHalfItsSquaredAmplitude) {
  EXPECT_NEAR(energy(48, 90, 32), 0.02, 0.0005);
  EXPECT_NEAR(energy(100, 90, 32), 0.02, 0.0005);
  EXPECT_NEAR(energy(48, 10, 32), 0.02, 0.002);  // a small part as well
}

TEST(FineEnergy, OfASineBelowTheCutoffIsZeroInSpiteOfTheOutline) {
  EXPECT_LT(energy(24, 90, 32), 0.02 * 0.006);
  EXPECT_LT(energy(5, 90, 32), 0.02 * 0.006);
  EXPECT_LT(energy(5, 10, 32), 0.02 * 0.006);
  const torch::Tensor mask = disc(120, 130, 60);
  const torch::Tensor black = torch::where(mask > 0.5, 0.0, 1.0).expand({1, 3, kSide, kSide});  // on white
  EXPECT_LT(fine_energy(fine_detail(black, mask, 32)).value(), 1e-9);
}

TEST(FineEnergy, IsOfThePixelsOfAllViewsTogether) {
  const torch::Tensor large = disc(120, 130, 90), small = disc(120, 130, 45);
  const FineDetail both =
      fine_detail(torch::cat({wave(5, large), wave(48, small)}), torch::cat({large, small}), 32);  // 4 : 1 pixels
  EXPECT_NEAR(fine_energy(both).value(), 0.02 / 5, 0.0004);
  EXPECT_FALSE(fine_energy(fine_detail(wave(5, small), torch::zeros_like(small), 32)).has_value());
}

TEST(Floaters, AreWhatIsApartFromTheLargestPart) {
  const torch::Tensor object = disc(100, 128, 50), speck = disc(200, 100, 5), touching = disc(152, 128, 5);
  const Floaters one = floaters(object + 0.03 * speck);
  EXPECT_EQ(one.largest, speck.sum().item<int64_t>());
  EXPECT_NEAR(one.share, (speck.sum() / (speck.sum() + object.sum())).item<double>(), 1e-9);
  EXPECT_EQ(floaters((object + touching).clamp(0, 1)).largest, 0);
  EXPECT_EQ(floaters(object + 0.019 * speck).share, 0);
  EXPECT_EQ(floaters(torch::zeros({1, 1, kSide, kSide})).share, 0);
  const Floaters two = floaters(torch::cat({object + speck, object}));
  EXPECT_NEAR(
      two.share,
      one.share * (1 + speck.sum() / object.sum()).item<double>() / (2 + speck.sum() / object.sum()).item<double>(),
      1e-7);
}

TEST(Haze, IsTheAlphaFarFromTheSolidPart) {
  const torch::Tensor object = disc(100, 128, 50), far = disc(200, 100, 5), rim = disc(100, 128, 54);
  EXPECT_EQ(haze(torch::max(object, 0.3 * rim), 8), 0);  // within reach
  const double faint = (0.3 * far.sum()).item<double>();
  EXPECT_NEAR(haze(object + 0.3 * far, 8), faint / (faint + object.sum().item<double>()), 1e-7);
  EXPECT_EQ(haze(0.3 * object, 8), 1);  // nothing is solid
  EXPECT_EQ(haze(torch::zeros_like(object), 8), 0);
}

/// A plane z = 0 with colours `of(x, y)` in world units, seen from cameras beside each other, by ray casting.
template <class Of>
AssetViews plane_seen_by(const std::vector<Camera>& cameras, const Of& of) {
  AssetViews views;
  views.cameras = cameras;
  const int64_t count = static_cast<int64_t>(cameras.size()), size = cameras[0].width;
  views.rgb = torch::zeros({count, 3, size, size});
  views.depth = torch::zeros({count, 1, size, size});
  views.alpha = torch::ones({count, 1, size, size});
  for (int64_t v = 0; v < count; ++v) {
    const Camera& c = cameras[static_cast<size_t>(v)];
    const auto& m = c.camera_from_world;
    double centre[3], ray[3];
    for (size_t i = 0; i < 3; ++i) centre[i] = -(m[i] * m[3] + m[4 + i] * m[7] + m[8 + i] * m[11]);
    for (int64_t y = 0; y < size; ++y) {
      for (int64_t x = 0; x < size; ++x) {
        const double at[3] = {(2 * (double(x) + 0.5) / double(size) - 1) * c.tan_half_fov_x,
                              (2 * (double(y) + 0.5) / double(size) - 1) * c.tan_half_fov_y, 1};
        for (size_t i = 0; i < 3; ++i) ray[i] = m[i] * at[0] + m[4 + i] * at[1] + m[8 + i] * at[2];
        const double depth = -centre[2] / ray[2];
        views.depth[v][0][y][x] = depth;
        views.rgb.select(0, v).select(1, y).select(1, x).fill_(
            of(centre[0] + depth * ray[0], centre[1] + depth * ray[1], v));
      }
    }
  }
  return views;
}

TEST(Reprojection, OfATexturedPlaneSeenFromTwoPosesIsZero) {
  const std::vector<Camera> cameras = {orbit_camera(20, 0, 3.2, 0.68, 64, 64), orbit_camera(20, 15, 3.2, 0.68, 64, 64)};
  const auto texture = [](double x, double y, int64_t) { return 0.5 + 0.2 * std::sin(7 * x) * std::cos(5 * y); };
  const AssetViews still = plane_seen_by(cameras, texture);
  EXPECT_LT(reprojection_error(still), 0.002);
  EXPECT_GT(reprojection_correlation(still, still.rgb.slice(1, 0, 1)), 0.999);
  // One view brighter by 0.1.
  const AssetViews uneven =
      plane_seen_by(cameras, [&](double x, double y, int64_t v) { return texture(x, y, v) + 0.1 * double(v); });
  EXPECT_NEAR(reprojection_error(uneven), 0.1, 0.002);
  // The texture of one view turned by a quarter period: nothing in common.
  const AssetViews moved = plane_seen_by(cameras, [&](double x, double, int64_t v) {
    return 0.5 + 0.2 * std::sin(20 * x + 0.5 * std::numbers::pi * double(v));
  });
  EXPECT_NEAR(reprojection_correlation(moved, moved.rgb.slice(1, 0, 1)), 0, 0.05);
}

TEST(RealCloseUps, ComeBackFromTheirFile) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_TRUE(load_real_close_ups(folder.path).empty());
  RealCloseUps real;
  real["cup"] = {.fine_energy = 0.25, .floater_share = 0.125, .haze = 0.5, .largest_floater = 7};
  real["thread"] = {.fine_energy = std::nullopt};
  save_real_close_ups(folder.path, real);
  const RealCloseUps read = load_real_close_ups(folder.path);
  EXPECT_EQ(read.size(), 2u);
  EXPECT_EQ(read.at("cup").fine_energy, 0.25);
  EXPECT_EQ(read.at("cup").floater_share, 0.125);
  EXPECT_EQ(read.at("cup").haze, 0.5);
  EXPECT_EQ(read.at("cup").largest_floater, 7);
  EXPECT_FALSE(read.at("thread").fine_energy.has_value());
  write_file(folder.path / "close_up.json", "{\"words\": {\"cup\": {}}}");
  EXPECT_THROW(load_real_close_ups(folder.path), UserError);
}

}  // namespace
}  // namespace lucid::eval
