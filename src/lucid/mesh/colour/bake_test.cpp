// SPDX-License-Identifier: Apache-2.0
// Tests of baking on meshes with known paint: pictures at unseen views, seams, hidden parts, outlines, threads.
#include "lucid/mesh/colour/bake.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <map>

#include "lucid/mesh/colour/painted_mesh_test.h"

namespace lucid::mesh {
namespace {

using test::cube;
using test::paint;
using test::pictures_of;
using test::psnr;
using test::sphere;

constexpr double kFovy = 0.6, kDistance = 3.2;

std::vector<Camera> fitting() { return cameras_around(24, kDistance, kFovy, 128, 0); }
std::vector<Camera> judging() { return cameras_around(4, kDistance, kFovy, 128, 0.37); }

TriangleMesh textured(TriangleMesh mesh, Texture texture) {
  mesh.texture = std::move(texture);
  return mesh;
}

/// Colour of the texture at uv, bilinear. Written out here, because it judges the code that fits it.
std::array<double, 3> read(const Texture& texture, Vec2<float> uv) {
  const double x = double(uv.x) * texture.width - 0.5, y = double(uv.y) * texture.height - 0.5;
  std::array<double, 3> sum{};
  for (const int v : {int(std::floor(y)), int(std::floor(y)) + 1}) {
    for (const int u : {int(std::floor(x)), int(std::floor(x)) + 1}) {
      const double weight = (1 - std::abs(x - u)) * (1 - std::abs(y - v));
      for (size_t c = 0; c < 3; ++c) sum[c] += weight * texture.pixels[size_t(v * texture.width + u)][c];
    }
  }
  return sum;
}

/// The largest difference in bytes between the two sides of a cube's seams.
double largest_seam_difference(const TriangleMesh& mesh, int* edges) {
  struct Half {
    Vec2<float> from, to;
  };
  std::map<std::array<float, 6>, std::vector<Half>> halves;
  for (const Triangle& t : mesh.triangles) {
    for (size_t k = 0; k < 3; ++k) {
      uint32_t a = t[k], b = t[(k + 1) % 3];
      const auto key = [&](uint32_t v) {
        return std::array{mesh.positions[v].x, mesh.positions[v].y, mesh.positions[v].z};
      };
      if (key(b) < key(a)) std::swap(a, b);
      const auto p = key(a), q = key(b);
      halves[{p[0], p[1], p[2], q[0], q[1], q[2]}].push_back({mesh.uvs[a], mesh.uvs[b]});
    }
  }
  double largest = 0;
  *edges = 0;
  for (const auto& [key, sides] : halves) {
    EXPECT_EQ(sides.size(), 2u);
    if (sides[0].from.x == sides[1].from.x && sides[0].from.y == sides[1].from.y) continue;
    ++*edges;
    for (int k = 0; k <= 20; ++k) {
      const float share = float(k) / 20;
      const auto at = [&](const Half& h) {
        return read(mesh.texture, {h.from.x + share * (h.to.x - h.from.x), h.from.y + share * (h.to.y - h.from.y)});
      };
      const auto a = at(sides[0]), b = at(sides[1]);
      for (size_t c = 0; c < 3; ++c) largest = std::max(largest, std::abs(a[c] - b[c]));
    }
  }
  return largest;
}

TEST(BakeTexture, PicturesAtUnseenViewsAreThoseOfThePaint) {
  const auto colour = [](const Point& p) { return paint(p, 1.5f); };
  for (const TriangleMesh& mesh : {cube(6), sphere(40)}) {
    const Texture texture = bake_texture(mesh, pictures_of(mesh, fitting(), colour), {.texture_size = 256});
    EXPECT_GT(psnr(textured(mesh, texture), pictures_of(mesh, judging(), colour)), 40);
  }
}

TEST(BakeTexture, TheSolverRestoresDetailThatProjectionBlurs) {
  const auto colour = [](const Point& p) { return paint(p, 4); };
  const TriangleMesh mesh = cube(2);
  const auto pictures = pictures_of(mesh, fitting(), colour), unseen = pictures_of(mesh, judging(), colour);
  const auto fitted = [&](int sweeps) {
    return psnr(textured(mesh, bake_texture(mesh, pictures, {.texture_size = 160, .sweeps = sweeps})), unseen);
  };
  const double projected = fitted(0), solved = fitted(15);
  EXPECT_GT(solved, 37);
  EXPECT_GT(solved, projected + 6);
}

TEST(BakeTexture, BothSidesOfASeamShowOneColour) {
  const auto colour = [](const Point& p) { return paint(p, 2.5f); };
  const TriangleMesh mesh = cube(4);
  const TriangleMesh baked =
      textured(mesh, bake_texture(mesh, pictures_of(mesh, fitting(), colour), {.texture_size = 256}));
  int edges = 0;
  EXPECT_LE(largest_seam_difference(baked, &edges), 2);
  EXPECT_EQ(edges, 12 * 4);
}

TEST(BakeTexture, HiddenPartsGetTheColoursOfTheSurfaceAroundThem) {
  // Seen from above only: the lower face is hidden. Around it the cube is red at one side and blue at the other.
  const auto colour = [](const Point& p) { return p.x < 0 ? Vec3<float>{0.8f, 0, 0} : Vec3<float>{0, 0, 0.8f}; };
  std::vector<Camera> cameras;
  for (const Camera& camera : fitting()) {
    if (camera.theta < 80) cameras.push_back(camera);
  }
  const TriangleMesh mesh = cube(8);
  const Texture texture = bake_texture(mesh, pictures_of(mesh, cameras, colour), {.texture_size = 128});
  int checked = 0;
  for (size_t v = 0; v < mesh.positions.size(); ++v) {
    if (mesh.positions[v].z > -0.59f) continue;
    const auto [red, green, blue] = read(texture, mesh.uvs[v]);
    EXPECT_NEAR(green, 0, 2);
    EXPECT_NEAR(red + blue, 204, 10);
    if (std::abs(mesh.positions[v].x) < 0.35f) continue;
    ++checked;
    EXPECT_GT(mesh.positions[v].x < 0 ? red - blue : blue - red, 60) << mesh.positions[v].x;
  }
  EXPECT_GT(checked, 30);
}

TEST(BakeTexture, TheBackgroundOfFuzzyOutlinesDoesNotShow) {
  // The pictures are of a dark sphere 2 % smaller than the mesh, so that white shows inside the mesh's outline.
  const auto colour = [](const Point&) { return Vec3<float>{0.2f, 0.1f, 0.1f}; };
  TriangleMesh inner = sphere(30);
  for (Point& p : inner.positions) p = 0.98f * p;
  const TriangleMesh mesh = sphere(30);
  const Texture texture = bake_texture(mesh, pictures_of(inner, fitting(), colour), {.texture_size = 128});
  for (const Colour& c : texture.pixels) {
    ASSERT_NEAR(c[0], 51, 4);
    ASSERT_NEAR(c[1], 25.5, 4);
  }
}

TEST(BakeTexture, TexelsOutsideTheChartsAreFilledFromThem) {
  const TriangleMesh mesh = cube(2);
  const auto pictures = pictures_of(mesh, fitting(), [](const Point&) { return Vec3<float>{0.6f, 0.4f, 0.2f}; });
  for (const Colour& c : bake_texture(mesh, pictures, {.texture_size = 100}).pixels) {
    ASSERT_NEAR(c[0], 153, 1);
    ASSERT_NEAR(c[1], 102, 1);
    ASSERT_NEAR(c[2], 51, 1);
  }
}

TEST(BakeTexture, ThreadsDoNotChangeTheTexture) {
  const TriangleMesh mesh = cube(5);
  const auto pictures =
      pictures_of(mesh, cameras_around(9, kDistance, kFovy, 96, 0), [](const Point& p) { return paint(p, 2); });
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Texture one = bake_texture(mesh, pictures, {.texture_size = 150});
  const auto one_colours = bake_vertex_colours(mesh, pictures);
  omp_set_num_threads(4);
  const Texture four = bake_texture(mesh, pictures, {.texture_size = 150});
  EXPECT_EQ(one.pixels, four.pixels);
  EXPECT_EQ(one_colours, bake_vertex_colours(mesh, pictures));
  omp_set_num_threads(threads);
}

TEST(BakeVertexColours, AreThePaintAtTheVertices) {
  const auto colour = [](const Point& p) { return paint(p, 0.8f); };
  TriangleMesh mesh = sphere(40);
  mesh.colours = bake_vertex_colours(mesh, pictures_of(mesh, fitting(), colour));
  for (size_t v = 0; v < mesh.positions.size(); ++v) {
    const Vec3<float> c = colour(mesh.positions[v]);
    if (mesh.positions[v].x == 0 && mesh.positions[v].y == 0) continue;  // poles: only one of the vertices is used
    ASSERT_NEAR(mesh.colours[v][0], 255 * c.x, 6);
    ASSERT_NEAR(mesh.colours[v][1], 255 * c.y, 6);
    ASSERT_NEAR(mesh.colours[v][2], 255 * c.z, 6);
  }
  EXPECT_GT(psnr(mesh, pictures_of(mesh, judging(), colour)), 40);
}

TEST(BakeVertexColours, HiddenVerticesAreNotBlack) {
  std::vector<Camera> cameras;
  for (const Camera& camera : fitting()) {
    if (camera.theta < 60) cameras.push_back(camera);
  }
  const TriangleMesh mesh = sphere(24);
  const auto pictures = pictures_of(mesh, cameras, [](const Point&) { return Vec3<float>{0.2f, 0.9f, 0.4f}; });
  for (const Colour& c : bake_vertex_colours(mesh, pictures)) {
    ASSERT_NEAR(c[0], 51, 2);
    ASSERT_NEAR(c[1], 229.5, 2);
  }
}

}  // namespace
}  // namespace lucid::mesh
