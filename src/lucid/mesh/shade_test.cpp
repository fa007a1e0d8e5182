// SPDX-License-Identifier: Apache-2.0
// Tests of shading: textures against their own pixels and against positions from ray casting, mip levels, vertex
// colours, coverage; and of the wireframe pictures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lucid/base/rng.h"
#include "lucid/camera/sampler.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "lucid/mesh/screen_vertex.h"
#include "lucid/mesh/texture_sampling.h"

namespace lucid::mesh {
namespace {

/// A camera 8 in front of the plane z = 0 whose pixels there are of size 1: (x, y, 0) projects to (x + 8, y + 8).
Camera unit_pixels() {
  Camera camera;
  camera.camera_from_world = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 8, 0, 0, 0, 1};
  camera.tan_half_fov_x = camera.tan_half_fov_y = 1;
  camera.width = camera.height = 16;
  return camera;
}

/// A rectangle in the plane z = 0 that covers the pixels from (x0, y0) to (x1, y1), with the whole texture on it.
TriangleMesh rectangle(float x0, float y0, float x1, float y1) {
  TriangleMesh mesh;
  mesh.positions = {{x0 - 8, y0 - 8, 0}, {x1 - 8, y0 - 8, 0}, {x1 - 8, y1 - 8, 0}, {x0 - 8, y1 - 8, 0}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 3}};
  mesh.uvs = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  return mesh;
}

Texture random_texture(int width, int height) {
  Rng rng(7, "texels");
  Texture texture{width, height, std::vector<Colour>(size_t(width * height))};
  for (Colour& c : texture.pixels) {
    for (uint8_t& v : c) v = uint8_t(rng.uniform(0, 256));
  }
  return texture;
}

float channel(const ShadedPicture& picture, int x, int y, int k) { return picture.rgb[size_t(256 * k + 16 * y + x)]; }

TEST(Shade, ATextureOfOneTexelAPixelIsShownAsItIs) {
  TriangleMesh mesh = rectangle(2, 3, 10, 15);
  mesh.texture = random_texture(8, 12);
  const ShadedPicture picture = shade(mesh, unit_pixels(), {0, 0, 0}, 1);
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 8; ++x) {
      for (int k = 0; k < 3; ++k) {
        EXPECT_NEAR(channel(picture, x + 2, y + 3, k) * 255, mesh.texture.pixels[size_t(8 * y + x)][size_t(k)], 1e-3);
      }
    }
  }
}

TEST(Shade, ATextureOfTwoTexelsAPixelIsAveraged) {
  TriangleMesh mesh = rectangle(2, 3, 10, 15);
  mesh.texture = random_texture(16, 24);
  const ShadedPicture picture = shade(mesh, unit_pixels(), {0, 0, 0}, 1);
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 8; ++x) {
      for (size_t k = 0; k < 3; ++k) {
        const auto texel = [&](int dx, int dy) {
          return double(mesh.texture.pixels[size_t(16 * (2 * y + dy) + 2 * x + dx)][k]);
        };
        const double mean = (texel(0, 0) + texel(1, 0) + texel(0, 1) + texel(1, 1)) / 4;
        EXPECT_NEAR(channel(picture, x + 2, y + 3, int(k)) * 255, mean, 1e-3);
      }
    }
  }
}

TEST(Shade, OneColourStaysAtEveryLevelAndOddSize) {
  for (const float reach : {0.7f, 3.0f, 8.0f, 300.0f}) {
    TriangleMesh mesh = rectangle(8 - reach, 8 - reach, 8 + reach, 8 + reach);
    mesh.texture = {37, 21, std::vector<Colour>(37 * 21, Colour{10, 128, 250})};
    const ShadedPicture picture = shade(mesh, unit_pixels(), {1, 1, 1}, 2);
    EXPECT_NEAR(channel(picture, 8, 8, 0) * 255, picture.alpha[136] * 10 + (1 - picture.alpha[136]) * 255, 1e-3);
    EXPECT_NEAR(channel(picture, 8, 8, 2) * 255, picture.alpha[136] * 250 + (1 - picture.alpha[136]) * 255, 1e-3);
  }
}

TEST(Shade, BetweenTwoLevelsTheirColoursAreMixed) {
  // A chequered texture of 1.5 texels a pixel. Level 1 is grey everywhere.
  TriangleMesh mesh = rectangle(2, 3, 10, 15);
  mesh.texture = {12, 18, {}};
  for (int i = 0; i < 12 * 18; ++i) mesh.texture.pixels.push_back(Colour{uint8_t((i / 12 + i) % 2 * 255), 0, 0});
  const ShadedPicture picture = shade(mesh, unit_pixels(), {0, 0, 0}, 1);
  const double coarse = std::log2(1.5);
  const auto wave = [](int pixel) {  // a row's level 0, between -1 and 1
    const double texel = 1.5 * (pixel + 0.5) - 0.5, first = std::floor(texel), share = texel - first;
    return (int(first) % 2 != 0 ? 1 : -1) * (1 - 2 * share);
  };
  for (int y = 1; y < 11; ++y) {
    for (int x = 1; x < 7; ++x) {
      EXPECT_NEAR(channel(picture, x + 2, y + 3, 0), 0.5 - (1 - coarse) * 0.5 * wave(x) * wave(y), 1e-3)
          << x << ", " << y;
    }
  }
}

/// A square that leans by the plane z = kTilt * y, seen from a corner.
constexpr float kTilt = 0.9f;
TriangleMesh tilted_square() {
  TriangleMesh mesh;
  mesh.positions = {{-1, -1, -kTilt}, {1, -1, -kTilt}, {1, 1, kTilt}, {-1, 1, kTilt}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 3}};
  mesh.uvs = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  return mesh;
}
Camera corner_camera() { return orbit_camera(70, 150, 3, 0.7, 90, 60); }

/// Texture coordinates and camera z where the ray of image point (x, y) meets the tilted square's plane.
struct PlaneHit {
  Vec2<double> uv;
  double z;
};
PlaneHit meet_plane(double x, double y) {
  const Camera camera = corner_camera();
  const auto& m = camera.camera_from_world;
  const double dx = (2 * x / 90 - 1) * camera.tan_half_fov_x, dy = (2 * y / 60 - 1) * camera.tan_half_fov_y;
  double eye[3] = {}, ray[3];
  for (size_t k = 0; k < 3; ++k) {
    for (size_t row = 0; row < 3; ++row) eye[k] -= m[4 * row + k] * m[4 * row + 3];
    ray[k] = dx * m[k] + dy * m[4 + k] + m[8 + k];
  }
  const double z = (double(kTilt) * eye[1] - eye[2]) / (ray[2] - double(kTilt) * ray[1]);
  return {{(eye[0] + z * ray[0] + 1) / 2, (eye[1] + z * ray[1] + 1) / 2}, z};
}

TEST(Shade, ARampShowsThePerspectiveCorrectPosition) {
  // Red = u and green = v. Bilinear reading and averaging keep a ramp, so the colour tells where the ray hits.
  TriangleMesh mesh = tilted_square();
  mesh.texture = {256, 256, std::vector<Colour>(65536)};
  for (size_t i = 0; i < 65536; ++i) mesh.texture.pixels[i] = {uint8_t(i % 256), uint8_t(i / 256), 0};
  const ShadedPicture picture = shade(mesh, corner_camera(), {0, 0, 0}, 1);
  int compared = 0;
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 90; ++x) {
      const auto [u, v] = meet_plane(x + 0.5, y + 0.5).uv;
      if (std::min({u, v, 1 - u, 1 - v}) < 0.06) continue;  // texels beyond the border repeat
      ++compared;
      ASSERT_NEAR(picture.rgb[size_t(90 * y + x)] * 255, u * 256 - 0.5, 0.02) << x << ", " << y;
      ASSERT_NEAR(picture.rgb[size_t(5400 + 90 * y + x)] * 255, v * 256 - 0.5, 0.02) << x << ", " << y;
    }
  }
  EXPECT_GT(compared, 500);
}

TEST(TexturedTriangle, TheLevelIsThatOfTheFootprintByFiniteDifferences) {
  const TriangleMesh mesh = tilted_square();
  const std::vector<ScreenVertex> screen = project_vertices(mesh.positions, corner_camera());
  const TexturedTriangle triangle({screen[0], screen[1], screen[2]}, {mesh.uvs[0], mesh.uvs[1], mesh.uvs[2]});
  for (const auto& [x, y] : {std::pair{30.5, 20.5}, {50.5, 31.5}, {62.5, 12.5}, {20.5, 50.5}}) {
    const PlaneHit at = meet_plane(x, y);
    constexpr double kStep = 1e-4;
    double longer = 0;
    for (const PlaneHit& next : {meet_plane(x + kStep, y), meet_plane(x, y + kStep)}) {
      longer = std::max(longer, std::hypot(next.uv.x - at.uv.x, 0.5 * (next.uv.y - at.uv.y)) / kStep);
    }
    const float level = triangle.level({float(at.uv.x), float(at.uv.y)}, float(at.z), 512, 256);
    EXPECT_NEAR(level, std::log2(512 * longer), 1e-3) << x << ", " << y;
  }
}

TEST(Shade, VertexColoursAreInterpolated) {
  TriangleMesh mesh = rectangle(0, 0, 16, 16);
  mesh.uvs.clear();
  mesh.colours = {{0, 0, 255}, {255, 0, 255}, {255, 255, 255}, {0, 255, 255}};
  const ShadedPicture picture = shade(mesh, unit_pixels(), {0, 0, 0}, 2);
  EXPECT_NEAR(channel(picture, 4, 11, 0), 4.5 / 16, 1e-5);
  EXPECT_NEAR(channel(picture, 4, 11, 1), 11.5 / 16, 1e-5);
  EXPECT_NEAR(channel(picture, 4, 11, 2), 1, 1e-5);
}

TEST(Shade, CoverageIsTheShareOfSamplesOverTheBackground) {
  TriangleMesh mesh = rectangle(2, 3, 10.5f, 15);
  mesh.texture = {1, 1, {Colour{255, 0, 0}}};
  const ShadedPicture picture = shade(mesh, unit_pixels(), {0, 0.5f, 1}, 2);
  EXPECT_EQ(picture.alpha[16 * 5 + 10], 0.5f);
  EXPECT_NEAR(channel(picture, 10, 5, 0), 0.5, 1e-5);
  EXPECT_NEAR(channel(picture, 10, 5, 1), 0.25, 1e-5);
  EXPECT_NEAR(channel(picture, 10, 5, 2), 0.5, 1e-5);
  EXPECT_EQ(picture.alpha[16 * 5 + 9], 1);
  EXPECT_EQ(picture.alpha[16 * 5 + 11], 0);
  EXPECT_EQ(channel(picture, 11, 5, 1), 0.5f);
}

TEST(Wireframe, EdgesAreDarkFacesLightAndTheBackgroundWhite) {
  const std::vector<float> picture = wireframe(rectangle(2, 2, 14, 14), unit_pixels(), 4);
  ASSERT_EQ(picture.size(), 768u);
  const auto at = [&](int x, int y) { return picture[size_t(16 * y + x)]; };
  EXPECT_EQ(at(0, 0), 1);
  EXPECT_LT(at(8, 8), 0.5);   // on the diagonal
  EXPECT_LT(at(7, 2), 0.75);  // on the upper edge
  EXPECT_GT(at(10, 5), 0.9);  // a face seen from the front
  EXPECT_LT(at(10, 5), 1);
}

}  // namespace
}  // namespace lucid::mesh
