// SPDX-License-Identifier: Apache-2.0
// Scores of a mesh, on pictures whose scores follow by hand: columns of pixels that are covered or not.
#include "lucid/mesh/measure.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using lucid::Camera;
using lucid::mesh::CloudPicture;
using lucid::mesh::Colour;
using lucid::mesh::MeshScore;
using lucid::mesh::score;
using lucid::mesh::TriangleMesh;

constexpr int kSize = 16;
constexpr float kGrey = 0.2f;  // 51 / 255, the mesh's colour

/// The plane z = 0 fills the picture as x, y in [-1, 1].
Camera front_camera() {
  Camera camera;
  for (const size_t k : {0u, 5u, 10u, 15u}) camera.camera_from_world[k] = 1;
  camera.camera_from_world[11] = 1;
  camera.tan_half_fov_x = camera.tan_half_fov_y = 1;
  camera.width = camera.height = kSize;
  return camera;
}

/// A grey rectangle over the picture's first `columns` columns.
TriangleMesh covering(int columns) {
  const float right = -1 + 2 * float(columns) / kSize;
  TriangleMesh mesh;
  mesh.positions = {{-1, -1, 0}, {right, -1, 0}, {right, 1, 0}, {-1, 1, 0}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 3}};
  mesh.colours.assign(4, Colour{51, 51, 51});
  return mesh;
}

struct Columns {
  int count;
  float alpha, colour;  // the colour of the Gaussians, not yet multiplied with alpha
};

/// A picture of the cloud: columns from the left, then nothing.
CloudPicture picture_of(const std::vector<Columns>& strips) {
  CloudPicture picture{.camera = front_camera(), .rgb = {}, .alpha = {}, .depth = {}};
  picture.rgb.assign(3 * kSize * kSize, 0);
  picture.alpha.assign(kSize * kSize, 0);
  int x = 0;
  for (const Columns& strip : strips) {
    for (const int end = x + strip.count; x < end; ++x) {
      for (int y = 0; y < kSize; ++y) {
        const auto i = size_t(y * kSize + x);
        picture.alpha[i] = strip.alpha;
        for (size_t k = 0; k < 3; ++k) picture.rgb[k * kSize * kSize + i] = strip.alpha * strip.colour;
      }
    }
  }
  return picture;
}

double decibels(double mean_squared_error) { return -10 * std::log10(mean_squared_error); }

TEST(MeshScore, OfTheMeshsOwnPictureIsPerfect) {
  const MeshScore got = score(covering(8), {picture_of({{8, 1, kGrey}})});
  EXPECT_GT(got.psnr, 100);
  EXPECT_GT(got.psnr_inside, 100);
  EXPECT_EQ(got.iou, 1);
  EXPECT_EQ(got.outline, 1);
  EXPECT_TRUE(std::isinf(got.ceiling));
}

TEST(MeshScore, WrongColourCountsOnItsShareOfThePicture) {
  const MeshScore got = score(covering(8), {picture_of({{8, 1, 0.5f}})});
  EXPECT_NEAR(got.psnr, decibels(0.3 * 0.3 * 8 / 16), 1e-3);
  EXPECT_NEAR(got.psnr_inside, decibels(0.3 * 0.3), 1e-3);
  EXPECT_EQ(got.iou, 1);
}

TEST(MeshScore, WrongOutlineIsWhitePixels) {
  // Two columns of black Gaussians lack a mesh: an error of 1 each. The common pixels differ by 0.2.
  const MeshScore got = score(covering(4), {picture_of({{6, 1, 0}})});
  EXPECT_NEAR(got.psnr, decibels((0.04 * 4 + 1.0 * 2) / 16), 1e-3);
  EXPECT_NEAR(got.psnr_inside, decibels(0.04), 1e-3);
  EXPECT_NEAR(got.iou, 4.0 / 6, 1e-12);
}

TEST(MeshScore, TransparentRimLowersTheCeiling) {
  // Alpha 0.3 of black over white is 0.7; an opaque mesh leaves white there. Alpha 0.8 of 0.2 gives 0.36.
  const MeshScore got = score(covering(8), {picture_of({{8, 0.8f, kGrey}, {2, 0.3f, 0}})});
  EXPECT_NEAR(got.ceiling, decibels(0.3 * 0.3 * 2 / 16), 1e-3);
  EXPECT_NEAR(got.psnr, decibels((0.3 * 0.3 * 2 + 0.16 * 0.16 * 8) / 16), 1e-3);
  EXPECT_EQ(got.iou, 1);
}

TEST(MeshScore, HalfTransparentIsOutsideTheMask) {
  EXPECT_EQ(score(covering(8), {picture_of({{8, 0.5f, 0}})}).iou, 0);
  EXPECT_EQ(score(covering(8), {picture_of({{8, 0.51f, 0}})}).iou, 1);
}

TEST(MeshScore, SumsPixelsOverTheViewsBeforeItDivides) {
  const MeshScore got = score(covering(8), {picture_of({{8, 1, kGrey}}), picture_of({{16, 1, kGrey}})});
  EXPECT_NEAR(got.iou, 16.0 / 24, 1e-12);  // the mean of the two ratios is 0.75
  EXPECT_NEAR(got.psnr, decibels(0.64 * 8 / 32), 1e-3);
}

TEST(MeshScore, ColoursAboveWhiteAreShownAsWhite) {
  const MeshScore got = score(covering(8), {picture_of({{8, 1, 3.0f}})});
  EXPECT_NEAR(got.psnr_inside, decibels(0.64), 1e-3);
}

TEST(MeshScore, OutlineForgivesTwoPixels) {
  EXPECT_EQ(score(covering(8), {picture_of({{10, 1, 0}})}).outline, 1);
  EXPECT_EQ(score(covering(8), {picture_of({{11, 1, 0}})}).outline, 0);
}

TEST(MeshScore, OutlineCountsBothWays) {
  // The cloud has a second strip, columns 12 and 13, whose two outlines no mesh meets: recall 1/3, precision 1.
  const MeshScore got = score(covering(8), {picture_of({{8, 1, 0}, {4, 0, 0}, {2, 1, 0}})});
  EXPECT_NEAR(got.outline, 2 * (1.0 / 3) / (1 + 1.0 / 3), 1e-12);
}

TEST(MeshScore, OfNothingAgainstNothing) {
  const MeshScore got = score({}, {picture_of({})});
  EXPECT_TRUE(std::isinf(got.psnr));
  EXPECT_TRUE(std::isinf(got.psnr_inside));
  EXPECT_EQ(got.iou, 1);
  EXPECT_EQ(got.outline, 1);
}

}  // namespace
