// SPDX-License-Identifier: Apache-2.0
// From a cloud to triangles: density and hull on a lattice, levels, marching cubes, clean-up, decimation.
#include "lucid/mesh/surface/surface.h"

#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/mesh/surface/bounds.h"
#include "lucid/mesh/surface/cavities.h"
#include "lucid/mesh/surface/components.h"
#include "lucid/mesh/surface/decimate.h"
#include "lucid/mesh/surface/density_field.h"
#include "lucid/mesh/surface/hull.h"
#include "lucid/mesh/surface/level_search.h"
#include "lucid/mesh/surface/marching_cubes.h"
#include "lucid/mesh/surface/repair.h"

namespace lucid::mesh {
namespace {

constexpr size_t kSearchViews = 12;
constexpr size_t kCleaningViews = 24;
constexpr int kCleaningSize = 256;   // pixels
constexpr float kClearance = 0.02f;  // between repaired vertices, of the lattice's spacing
constexpr float kHullMargin = 0.3f;  // the hull is found where the density is above this part of the lowest level

/// About `count` elements, evenly spread.
template <class T>
std::vector<const T*> some_of(const std::vector<T>& all, size_t count) {
  std::vector<const T*> result;
  const size_t number = std::min(count, all.size());
  for (size_t i = 0; i < number; ++i) result.push_back(&all[(2 * i + 1) * all.size() / (2 * number)]);
  return result;
}

/// Replaces the density by min(f / tau, A / a).
void combine(const Levels& levels, const Field& hull, Field* density) {
  const float per_density = 1 / levels.density, per_alpha = 1 / levels.hull_alpha;
  parallel_for(int64_t(hull.size()), 1 << 16, [&](int64_t i) {
    (*density)[size_t(i)] = std::min((*density)[size_t(i)] * per_density, hull[size_t(i)] * per_alpha);
  });
}

std::vector<Camera> cleaning_cameras(const std::vector<CloudPicture>& pictures) {
  std::vector<Camera> cameras;
  for (const CloudPicture* picture : some_of(pictures, kCleaningViews)) {
    Camera camera = picture->camera;
    camera.height = std::max(1, camera.height * kCleaningSize / camera.width);
    camera.width = kCleaningSize;
    cameras.push_back(camera);
  }
  return cameras;
}

}  // namespace

TriangleMesh surface_of(const render::CloudView<float>& cloud, const std::vector<CloudPicture>& pictures,
                        const SurfaceOptions& options, const std::function<void(const std::string&)>& stage,
                        SurfaceReport* report) {
  SurfaceReport own_report;
  SurfaceReport& found = report != nullptr ? *report : own_report;

  stage("field");
  const Hull hull(pictures);
  const Lattice lattice = lattice_around(cloud, hull, options.resolution);
  if (lattice.count() == 0) return {};
  Field field = density_field(cloud, lattice);
  TriangleMesh mesh;
  {
    const float lowest = options.density > 0 ? float(options.density) : lowest_density_level();
    const Field alphas = hull_field(hull, lattice, field, kHullMargin * lowest);

    stage("search");
    const Levels levels =
        search_levels(field, alphas, lattice, some_of(pictures, kSearchViews),
                      {.density = float(options.density), .hull_alpha = float(options.hull_alpha), .iou = 0});
    found.density = double(levels.density);
    found.hull_alpha = double(levels.hull_alpha);
    found.outline_iou = levels.iou;

    stage("mesh");
    combine(levels, alphas, &field);
  }
  fill_cavities(lattice, &field);
  mesh = marching_cubes(field, lattice);
  field = {};
  found.raw_triangles = int64_t(mesh.triangles.size());

  stage("clean");
  const ComponentCounts components = drop_small_components(cleaning_cameras(pictures), &mesh);
  found.raw_components = components.all;
  found.kept_components = components.kept;

  stage("decimate");
  decimate(options.faces, kClearance * lattice.spacing, &mesh);
  make_manifold(kClearance * lattice.spacing, &mesh);
  if (options.watertight) LUCID_CHECK(is_closed_manifold(mesh), "a surface of {} triangles", mesh.triangles.size());
  return mesh;
}

}  // namespace lucid::mesh
