// SPDX-License-Identifier: Apache-2.0
// Tests of the rasteriser against an independent ray caster in double.
#include "lucid/corpus/raster.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "lucid/base/rng.h"
#include "lucid/camera/sampler.h"
#include "lucid/corpus/surface.h"

namespace lucid::corpus {
namespace {

using D3 = Vec3<double>;

constexpr int kSize = 96;

/// Barycentric weights of the point where a ray meets the triangle; nullopt if it misses.
std::optional<D3> hit(const D3& origin, const D3& direction, const D3& a, const D3& b, const D3& c) {
  const D3 e1 = b - a, e2 = c - a, p = cross(direction, e2);
  const double determinant = dot(e1, p);
  if (determinant == 0) return std::nullopt;
  const D3 t = origin - a, q = cross(t, e1);
  const double u = dot(t, p) / determinant, v = dot(direction, q) / determinant;
  if (u < 0 || v < 0 || u + v > 1) return std::nullopt;
  return D3{1 - u - v, u, v};
}

D3 ray(const Camera& camera, double x, double y) {
  const auto& m = camera.camera_from_world;
  const double cx = (2 * x / camera.width - 1) * camera.tan_half_fov_x;
  const double cy = (2 * y / camera.height - 1) * camera.tan_half_fov_y;
  return {m[0] * cx + m[4] * cy + m[8], m[1] * cx + m[5] * cy + m[9], m[2] * cx + m[6] * cy + m[10]};
}

D3 position(const Camera& camera) {
  const auto& m = camera.camera_from_world;
  const double t[3] = {m[3], m[7], m[11]};
  return {-(m[0] * t[0] + m[4] * t[1] + m[8] * t[2]), -(m[1] * t[0] + m[5] * t[1] + m[9] * t[2]),
          -(m[2] * t[0] + m[6] * t[1] + m[10] * t[2])};
}

D3 in_double(const Float3& v) { return {v.x, v.y, v.z}; }

/// A texture whose red channel is u and green channel is v.
std::shared_ptr<const Texture> ramp() {
  constexpr int kSide = 256;
  std::vector<uint8_t> rgba;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      rgba.insert(rgba.end(), {static_cast<uint8_t>(x), static_cast<uint8_t>(kSide - 1 - y), 0, 255});
    }
  }
  return std::make_shared<const Texture>(make_texture(kSide, kSide, std::move(rgba)));
}

Mesh random_triangle(Rng& rng) {
  Mesh mesh;
  for (int i = 0; i < 3; ++i) {
    mesh.positions.push_back({static_cast<float>(rng.uniform(-0.9, 0.9)), static_cast<float>(rng.uniform(-0.9, 0.9)),
                              static_cast<float>(rng.uniform(-0.9, 0.9))});
  }
  mesh.normals = {{0, 0, 1}};
  Material material;
  material.texture = ramp();
  mesh.materials = {material};
  Triangle triangle{.position = {0, 1, 2}, .normal = {0, 0, 0}};
  for (Float2& uv : triangle.uv)
    uv = {static_cast<float>(rng.uniform(0.1, 0.9)), static_cast<float>(rng.uniform(0.1, 0.9))};
  mesh.triangles = {triangle};
  return mesh;
}

struct Picture {
  std::vector<uint8_t> rgb = std::vector<uint8_t>(3 * kSize * kSize), alpha = std::vector<uint8_t>(kSize * kSize);
  PictureView view() { return {rgb.data(), alpha.data()}; }
};

TEST(CorpusRaster, TexturesArePerspectiveCorrect) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "triangle");
    const Mesh mesh = random_triangle(rng);
    // Close to the camera, so that affine instead of perspective interpolation would fail.
    const Camera camera = orbit_camera(70, rng.uniform(-180, 180), 2.2, 0.9, kSize, kSize);
    Picture picture;
    Renderer(kSize, 1).draw(mesh, camera, kFlatLight, picture.view());
    const Triangle& triangle = mesh.triangles[0];
    const D3 across = cross(in_double(mesh.positions[1]) - in_double(mesh.positions[0]),
                            in_double(mesh.positions[2]) - in_double(mesh.positions[0]));
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) {
        const size_t at = static_cast<size_t>(y * kSize + x);
        const auto weights = hit(position(camera), ray(camera, x + 0.5, y + 0.5), in_double(mesh.positions[0]),
                                 in_double(mesh.positions[1]), in_double(mesh.positions[2]));
        const bool inside = weights && std::min({weights->x, weights->y, weights->z}) > 0.02;
        const D3 direction = ray(camera, x + 0.5, y + 0.5);
        const double slant =
            std::abs(dot(across, direction)) / std::sqrt(dot(across, across) * dot(direction, direction));
        if (inside) {
          EXPECT_EQ(picture.alpha[at], 255);
        }
        if (!inside || slant < 0.2) continue;  // seen edge-on, mip-mapping blurs
        const auto at_uv = [&](auto member) {
          return weights->x * member(triangle.uv[0]) + weights->y * member(triangle.uv[1]) +
                 weights->z * member(triangle.uv[2]);
        };
        const double u = at_uv([](const Float2& uv) { return double{uv.x}; });
        const double v = at_uv([](const Float2& uv) { return double{uv.y}; });
        // Texel i is centred on (i + 0.5) / 256 and has the value i. Coarser mip levels keep the ramp.
        EXPECT_NEAR(picture.rgb[at], u * 256 - 0.5, 3) << seed << ": " << x << ", " << y;
        EXPECT_NEAR(picture.rgb[kSize * kSize + at], v * 256 - 0.5, 3) << seed << ": " << x << ", " << y;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 5000);
}

TEST(CorpusRaster, CoverageIsThatOfTheRayCaster) {
  int wrong = 0, covered = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "coverage");
    const Mesh mesh = random_triangle(rng);
    const Camera camera = orbit_camera(90, 30, 3.2, 0.68, kSize, kSize);
    Picture picture;
    Renderer(kSize, 1).draw(mesh, camera, kFlatLight, picture.view());
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) {
        const bool inside = hit(position(camera), ray(camera, x + 0.5, y + 0.5), in_double(mesh.positions[0]),
                                in_double(mesh.positions[1]), in_double(mesh.positions[2]))
                                .has_value();
        wrong += inside != (picture.alpha[static_cast<size_t>(y * kSize + x)] != 0);
        covered += inside;
      }
    }
  }
  EXPECT_GT(covered, 2000);
  EXPECT_LE(wrong, covered / 200);  // vertices are snapped to 1/256 of a sample
}

/// Two triangles that share an edge, in one plane.
Mesh square(const Float3& colour) {
  Mesh mesh;
  mesh.positions = {{-0.61f, 0, -0.57f}, {0.63f, 0, -0.59f}, {0.57f, 0, 0.61f}, {-0.59f, 0, 0.6f}};
  mesh.normals = {{0, 1, 0}};
  Material material;
  material.colour = colour;
  mesh.materials = {material};
  mesh.triangles = {{.position = {0, 1, 2}, .normal = {0, 0, 0}}, {.position = {0, 2, 3}, .normal = {0, 0, 0}}};
  return mesh;
}

TEST(CorpusRaster, NeighboursLeaveNoCrackAndDoNotOverlap) {
  // The coverage of both triangles together must equal the sum of their coverages: no gap, no overlap.
  for (double azimuth = -60; azimuth <= 60; azimuth += 7) {
    const Camera camera = orbit_camera(80, azimuth, 3.2, 0.68, kSize, kSize);
    Picture both, first, second;
    Mesh mesh = square({0, 0, 0});
    Renderer renderer(kSize, 1);
    renderer.draw(mesh, camera, kFlatLight, both.view());
    const Triangle last = mesh.triangles[1];
    mesh.triangles.pop_back();
    renderer.draw(mesh, camera, kFlatLight, first.view());
    mesh.triangles = {last};
    renderer.draw(mesh, camera, kFlatLight, second.view());
    for (size_t i = 0; i < both.alpha.size(); ++i) {
      EXPECT_EQ(int{both.alpha[i]}, first.alpha[i] + second.alpha[i]) << azimuth << ", pixel " << i;
    }
  }
}

TEST(CorpusRaster, EmptyPicturesAreWhite) {
  Picture picture;
  Renderer(kSize).draw(Mesh{}, orbit_camera(90, 0, 3.2, 0.68, kSize, kSize), Light{}, picture.view());
  EXPECT_TRUE(std::ranges::all_of(picture.rgb, [](uint8_t v) { return v == 255; }));
  EXPECT_TRUE(std::ranges::all_of(picture.alpha, [](uint8_t v) { return v == 0; }));
}

TEST(CorpusRaster, BothSidesAreLitAlike) {
  const Mesh mesh = square({0.5f, 0.5f, 0.5f});
  const size_t middle = kSize / 2 * kSize + kSize / 2;
  for (const double azimuth : {0.0, 180.0}) {
    Picture picture;
    Light light;
    light.direction = {0, azimuth == 0 ? 1.0f : -1.0f, 0};
    Renderer(kSize).draw(mesh, orbit_camera(90, azimuth, 3.2, 0.68, kSize, kSize), light, picture.view());
    EXPECT_NEAR(picture.rgb[middle], 255 * 0.5 * (light.ambient + light.diffuse), 1);
  }
}

TEST(CorpusRaster, GlassShowsWhatIsBehindIt) {
  Mesh mesh = square({1, 0, 0});
  mesh.materials[0].opacity = 0.25f;
  const size_t middle = kSize / 2 * kSize + kSize / 2;
  const Camera camera = orbit_camera(90, 0, 3.2, 0.68, kSize, kSize);
  Picture alone;
  Renderer(kSize).draw(mesh, camera, kFlatLight, alone.view());
  EXPECT_NEAR(alone.alpha[middle], 255 * 0.25, 1);
  EXPECT_EQ(alone.rgb[middle], 255);
  EXPECT_NEAR(alone.rgb[kSize * kSize + middle], 255 * 0.75, 1);  // over white

  const auto add_square = [&](float y) {
    const auto first = static_cast<int32_t>(mesh.positions.size());
    for (Float3 p : square({}).positions) mesh.positions.push_back({p.x, y, p.z});
    for (Triangle triangle : square({}).triangles) {
      for (int32_t& i : triangle.position) i += first;
      triangle.material = 1;
      mesh.triangles.push_back(triangle);
    }
  };
  mesh.materials.push_back(square({0, 0, 1}).materials[0]);
  add_square(-0.3f);
  Picture behind;
  Renderer(kSize).draw(mesh, camera, kFlatLight, behind.view());
  EXPECT_EQ(behind.alpha[middle], 255);
  EXPECT_NEAR(behind.rgb[middle], 255 * 0.25, 1);
  EXPECT_NEAR(behind.rgb[2 * kSize * kSize + middle], 255 * 0.75, 1);
  add_square(0.3f);  // in front of the glass: hides it
  Picture before;
  Renderer(kSize).draw(mesh, camera, kFlatLight, before.view());
  EXPECT_EQ(before.rgb[middle], 0);
  EXPECT_EQ(before.rgb[2 * kSize * kSize + middle], 255);
}

TEST(CorpusRaster, FarTexturesAreAveragedNotPicked) {
  // A checkerboard of single texels must be uniform grey from a distance.
  constexpr int kSide = 512;
  std::vector<uint8_t> rgba;
  for (int i = 0; i < kSide * kSide; ++i) {
    const auto v = static_cast<uint8_t>((i % kSide + i / kSide) % 2 == 0 ? 255 : 0);
    rgba.insert(rgba.end(), {v, v, v, 255});
  }
  Mesh mesh = square({});
  mesh.materials[0].texture = std::make_shared<const Texture>(make_texture(kSide, kSide, std::move(rgba)));
  mesh.triangles[0].uv = {Float2{0, 0}, Float2{1, 0}, Float2{1, 1}};
  mesh.triangles[1].uv = {Float2{0, 0}, Float2{1, 1}, Float2{0, 1}};
  Picture picture;
  Renderer(kSize, 1).draw(mesh, orbit_camera(90, 0, 3.2, 0.68, kSize, kSize), kFlatLight, picture.view());
  for (int y = kSize / 2 - 20; y < kSize / 2 + 20; ++y) {
    for (int x = kSize / 2 - 20; x < kSize / 2 + 20; ++x) {
      EXPECT_NEAR(picture.rgb[static_cast<size_t>(y * kSize + x)], 128, 2);
    }
  }
}

TEST(CorpusRaster, HolesOfATextureAreHoles) {
  std::vector<uint8_t> rgba;
  for (int i = 0; i < 64 * 64; ++i) rgba.insert(rgba.end(), {200, 0, 0, static_cast<uint8_t>(i % 64 < 32 ? 255 : 0)});
  Mesh mesh = square({});
  mesh.materials[0].texture = std::make_shared<const Texture>(make_texture(64, 64, std::move(rgba)));
  EXPECT_TRUE(mesh.materials[0].texture->cut_out);
  mesh.triangles[0].uv = {Float2{0, 0}, Float2{1, 0}, Float2{1, 1}};
  mesh.triangles[1].uv = {Float2{0, 0}, Float2{1, 1}, Float2{0, 1}};
  Picture picture;
  Renderer(kSize).draw(mesh, orbit_camera(90, 0, 3.2, 0.68, kSize, kSize), kFlatLight, picture.view());
  // u grows with world x, and world x points to the left of the picture.
  EXPECT_EQ(picture.alpha[kSize / 2 * kSize + kSize / 2 + 15], 255);
  EXPECT_EQ(picture.alpha[kSize / 2 * kSize + kSize / 2 - 15], 0);
}

TEST(CorpusRaster, TrianglesBehindTheCameraAreLeftOut) {
  Mesh mesh = square({0, 0, 0});
  for (Float3& p : mesh.positions) p.y = 5;
  Picture picture;
  Renderer(kSize).draw(mesh, orbit_camera(90, 0, 3.2, 0.68, kSize, kSize), kFlatLight, picture.view());
  EXPECT_TRUE(std::ranges::all_of(picture.alpha, [](uint8_t v) { return v == 0; }));
}

TEST(CorpusRaster, DepthIsTheRaysOwn) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "triangle");
    const Mesh mesh = random_triangle(rng);
    const Camera camera = orbit_camera(70, rng.uniform(-180, 180), 2.2, 0.9, kSize, kSize);
    std::vector<float> depth(kSize * kSize, -1);
    Renderer(kSize, 1).draw_depth(mesh, camera, depth.data());
    const D3 corners[3] = {in_double(mesh.positions[0]), in_double(mesh.positions[1]), in_double(mesh.positions[2])};
    const auto& m = camera.camera_from_world;
    for (int y = 0; y < kSize; ++y) {
      for (int x = 0; x < kSize; ++x) {
        const float found = depth[static_cast<size_t>(y * kSize + x)];
        const auto w = hit(position(camera), ray(camera, x + 0.5, y + 0.5), corners[0], corners[1], corners[2]);
        if (w && std::min({w->x, w->y, w->z}) > 0.02) {
          const D3 point = w->x * corners[0] + w->y * corners[1] + w->z * corners[2];
          EXPECT_NEAR(found, m[8] * point.x + m[9] * point.y + m[10] * point.z + m[11], 0.02) << seed;
          ++compared;
        } else if (!w) {
          EXPECT_GE(found, 0) << seed;  // 0, or the depth at an edge
        }
      }
    }
  }
  EXPECT_GT(compared, 1000);
}

}  // namespace
}  // namespace lucid::corpus
