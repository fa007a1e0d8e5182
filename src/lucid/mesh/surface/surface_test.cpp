// SPDX-License-Identifier: Apache-2.0
// Levels, the fit to outlines and the whole way from a cloud to a closed mesh, on clouds whose surface is known.
#include "lucid/mesh/surface/surface.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <numbers>

#include "lucid/base/rng.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "lucid/mesh/surface/level_search.h"
#include "lucid/mesh/surface/outline_fit.h"
#include "lucid/mesh/surface/surface_test_support.h"

namespace lucid::mesh {
namespace {

using test::Cloud;
using test::cube_lattice;
using test::expect_closed_manifold;
using test::length;
using test::sample;

std::vector<CloudPicture> pictures_of(const Cloud& cloud, int count, double phase) {
  return render_pictures(cloud.view(), cameras_around(count, 4, 0.7, 128, phase));
}

/// IoU of a mesh's outlines with the masks of pictures, by the z-buffer rasteriser.
double mesh_iou(const TriangleMesh& mesh, const std::vector<CloudPicture>& pictures) {
  int64_t both = 0, either = 0;
  for (const CloudPicture& picture : pictures) {
    const MeshPicture view = rasterize_mesh(mesh.positions, mesh.triangles, picture.camera);
    for (size_t i = 0; i < picture.alpha.size(); ++i) {
      const bool a = picture.alpha[i] > 0.5f, b = view.triangle[i] >= 0;
      both += a && b;
      either += a || b;
    }
  }
  return double(both) / double(either);
}

const auto kNoStage = [](const std::string&) {};

/// Opaque Gaussians on a sphere of radius 0.6 with a foot, a thin rod along z.
Cloud ball_on_a_rod() {
  Cloud cloud;
  Rng rng(4, "ball");
  for (int i = 0; i < 3000; ++i) {
    float norm = 0;
    const Point direction = normalized(Point{float(rng.normal()), float(rng.normal()), float(rng.normal())}, &norm);
    cloud.add(0.5f * direction + Point{0, 0, 0.4f}, {0.03f, 0.03f, 0.03f}, 0.9f);
  }
  for (int i = 0; i < 100; ++i) {
    cloud.add({0, 0, -1.0f + 0.01f * float(i)}, {0.012f, 0.012f, 0.012f}, 0.35f);
  }
  return cloud;
}

TEST(Surface, OfABallOnARod) {
  const Cloud cloud = ball_on_a_rod();
  std::vector<std::string> stages;
  SurfaceReport report;
  const TriangleMesh mesh = surface_of(
      cloud.view(), pictures_of(cloud, 32, 0), {.resolution = 96, .faces = 4000, .watertight = true},
      [&](const std::string& name) { stages.push_back(name); }, &report);
  EXPECT_EQ(stages, (std::vector<std::string>{"field", "search", "fit", "mesh", "clean", "decimate"}));
  EXPECT_LE(mesh.triangles.size(), 4000u);
  EXPECT_GT(mesh.triangles.size(), 3000u);
  expect_closed_manifold(mesh);
  EXPECT_EQ(report.raw_components, 1);  // no wall around the shell's inside
  EXPECT_EQ(report.kept_components, 1);
  EXPECT_GT(report.outline_iou, 0.97);
  EXPECT_GT(mesh_iou(mesh, pictures_of(cloud, 9, 0.4)), 0.97);
  const double ball = 4.0 / 3 * std::numbers::pi * std::pow(0.56, 3);
  EXPECT_NEAR(signed_volume(mesh), ball, 0.1 * ball);
}

TEST(Surface, OfOneGaussianIsItsEllipsoidOfHalfOpacity) {
  Cloud cloud;
  cloud.add({0.1f, 0, 0}, {0.4f, 0.2f, 0.1f}, 0.9f);
  const TriangleMesh mesh = surface_of(cloud.view(), pictures_of(cloud, 24, 0),
                                       {.resolution = 48, .faces = 100000, .watertight = true}, kNoStage);
  expect_closed_manifold(mesh);
  EXPECT_EQ(test::euler_characteristic(mesh), 2);
  const double reach = std::sqrt(2 * std::log(0.9 / 0.5));  // standard deviations
  const double volume = 4.0 / 3 * std::numbers::pi * 0.4 * 0.2 * 0.1 * std::pow(reach, 3);
  EXPECT_NEAR(signed_volume(mesh), volume, 0.1 * volume);
}

TEST(Surface, OfAFaintOrEmptyCloudIsEmpty) {
  Cloud faint;
  faint.add({0, 0, 0}, {0.5f, 0.5f, 0.5f}, 0.3f);
  EXPECT_TRUE(surface_of(faint.view(), pictures_of(faint, 8, 0), {.resolution = 32}, kNoStage).triangles.empty());
  Cloud empty;
  EXPECT_TRUE(surface_of(empty.view(), pictures_of(faint, 8, 0), {.resolution = 32}, kNoStage).triangles.empty());
}

TEST(Surface, WorksWithAFewPicturesAndLittleRoom) {
  const Cloud cloud = ball_on_a_rod();
  for (const int count : {1, 2, 5}) {
    const TriangleMesh mesh = surface_of(cloud.view(), pictures_of(cloud, count, 0),
                                         {.resolution = 24, .faces = 60, .watertight = true}, kNoStage);
    EXPECT_FALSE(mesh.triangles.empty());
    EXPECT_LE(mesh.triangles.size(), 60u);
    expect_closed_manifold(mesh);
  }
}

TEST(Surface, SameBitsAtAnyThreadCount) {
  const Cloud cloud = ball_on_a_rod();
  const std::vector<CloudPicture> pictures = pictures_of(cloud, 12, 0);
  const int threads = omp_get_max_threads();
  std::vector<TriangleMesh> meshes;
  for (const int count : {1, 3}) {
    omp_set_num_threads(count);
    meshes.push_back(surface_of(cloud.view(), pictures, {.resolution = 64, .faces = 2000}, kNoStage));
  }
  omp_set_num_threads(threads);
  EXPECT_EQ(meshes[0].triangles, meshes[1].triangles);
  ASSERT_EQ(meshes[0].positions.size(), meshes[1].positions.size());
  for (size_t i = 0; i < meshes[0].positions.size(); ++i) {
    EXPECT_EQ(meshes[0].positions[i].x, meshes[1].positions[i].x);
    EXPECT_EQ(meshes[0].positions[i].y, meshes[1].positions[i].y);
    EXPECT_EQ(meshes[0].positions[i].z, meshes[1].positions[i].z);
  }
}

/// Pictures of a ball around the origin: alpha 1 inside its outline, 0.3 outside, so that no ray is left out.
std::vector<CloudPicture> ball_pictures(int count, double radius) {
  std::vector<CloudPicture> pictures;
  const double sine = radius / 4, tangent = sine / std::sqrt(1 - sine * sine);
  for (const Camera& camera : cameras_around(count, 4, 0.7, 160, 0)) {
    CloudPicture picture{.camera = camera, .rgb = {}, .alpha = {}, .depth = {}};
    for (int y = 0; y < 160; ++y) {
      for (int x = 0; x < 160; ++x) {
        const double u = ((x + 0.5) / 80 - 1) * camera.tan_half_fov_x, v = ((y + 0.5) / 80 - 1) * camera.tan_half_fov_y;
        picture.alpha.push_back(std::hypot(u, v) < tangent ? 1.0f : 0.3f);
      }
    }
    pictures.push_back(picture);
  }
  return pictures;
}

std::vector<const CloudPicture*> pointers(const std::vector<CloudPicture>& pictures) {
  std::vector<const CloudPicture*> result;
  for (const CloudPicture& picture : pictures) result.push_back(&picture);
  return result;
}

/// The density falls with the radius from 0.5 at 0.4; the hull from 0.4 at 0.5.
TEST(LevelSearch, FindsTheLevelOfABall) {
  const Lattice lattice = cube_lattice(81);
  const auto density = [](const Point& p) { return 0.5f * std::exp(-6 * (length(p) - 0.4f)); };
  const Field open(size_t(lattice.count()), 1.0f);
  for (const double radius : {0.4, 0.55}) {
    const std::vector<CloudPicture> pictures = ball_pictures(4, radius);
    const Levels levels = search_levels(sample(lattice, density), open, lattice, pointers(pictures), {});
    EXPECT_NEAR(double(levels.density), 0.5 * std::exp(-6 * (radius - 0.4)), 0.08 * double(levels.density));
    EXPECT_GT(levels.iou, 0.97);
  }
  const Field dense(size_t(lattice.count()), 5.0f);
  const Field hull = sample(lattice, [](const Point& p) { return 0.4f - 2 * (length(p) - 0.5f); });
  const Levels by_hull = search_levels(dense, hull, lattice, pointers(ball_pictures(4, 0.5)), {});
  EXPECT_NEAR(by_hull.hull_alpha, 0.4f, 1e-6f);
  EXPECT_GT(by_hull.iou, 0.97);
}

TEST(LevelSearch, KeepsFixedLevelsAndAgreesWithTheField) {
  const Lattice lattice = cube_lattice(61);
  const Field density = sample(lattice, [](const Point& p) { return 1.2f - length(p); });
  const Field hull = sample(lattice, [](const Point& p) { return 1 - std::abs(p.x); });
  const std::vector<CloudPicture> pictures = ball_pictures(5, 0.5);
  const Levels levels =
      search_levels(density, hull, lattice, pointers(pictures), {.density = 0.8f, .hull_alpha = 0.7f, .iou = 0});
  EXPECT_EQ(levels.density, 0.8f);
  EXPECT_EQ(levels.hull_alpha, 0.7f);
  Field combined = density;
  for (size_t i = 0; i < hull.size(); ++i) combined[i] = std::min(density[i] / 0.8f, hull[i] / 0.7f);
  EXPECT_NEAR(levels.iou, outline_iou(combined, lattice, pointers(pictures)), 0.005);
}

/// A field that is too small on one side of a ball and too large on the other is mended, also for pictures that the fit
/// does not see.
TEST(OutlineFit, MendsAShapeThatIsWrong) {
  const Lattice lattice = cube_lattice(65);
  Field field = sample(lattice, [](const Point& p) { return std::exp(4 * (0.5f - length(p - Point{0.06f, 0, 0}))); });
  const std::vector<CloudPicture> fitting = ball_pictures(24, 0.5), judging = ball_pictures(7, 0.5);
  const double before = outline_iou(field, lattice, pointers(judging));
  fit_outlines(pointers(fitting), lattice, &field);
  const double after = outline_iou(field, lattice, pointers(judging));
  EXPECT_LT(before, 0.91);
  EXPECT_GT(after, 0.96);
}

TEST(OutlineFit, LeavesAShapeThatFits) {
  const Lattice lattice = cube_lattice(65);
  const Field start = sample(lattice, [](const Point& p) { return std::exp(4 * (0.5f - length(p))); });
  Field field = start;
  fit_outlines(pointers(ball_pictures(12, 0.5)), lattice, &field);
  float largest = 0;
  for (size_t i = 0; i < field.size(); ++i) largest = std::max(largest, std::abs(std::log(field[i] / start[i])));
  EXPECT_LT(largest, 4 * lattice.spacing);  // the change of the field over one cell
}

}  // namespace
}  // namespace lucid::mesh
