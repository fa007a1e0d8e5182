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
#include "lucid/mesh/surface/outline_fit.h"
#include "lucid/mesh/surface/repair.h"

namespace lucid::mesh {
namespace {

constexpr size_t kSearchViews = 12;  // of the pictures; the fit uses the others
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

/// The pictures that levels are searched with and the fit is judged by, and the others.
struct Split {
  std::vector<const CloudPicture*> judging, fitting;
};

Split split(const std::vector<CloudPicture>& pictures) {
  Split result{.judging = some_of(pictures, std::clamp<size_t>(pictures.size() / 4, 1, kSearchViews)), .fitting = {}};
  for (const CloudPicture& picture : pictures) {
    if (std::ranges::find(result.judging, &picture) == result.judging.end()) result.fitting.push_back(&picture);
  }
  return result;
}

/// Fits the field to the outlines, unless that makes them worse in the pictures that the fit does not see. Returns the
/// IoU in those.
double fit_if_better(const Split& pictures, const Lattice& lattice, Field* field) {
  const double before = outline_iou(*field, lattice, pictures.judging);
  const Field start = *field;
  fit_outlines(pictures.fitting, lattice, field);
  const double after = outline_iou(*field, lattice, pictures.judging);
  if (after >= before) return after;
  *field = start;
  return before;
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
  const Split parts = split(pictures);
  Field field = density_field(cloud, lattice);
  {
    const float lowest = options.density > 0 ? float(options.density) : lowest_density_level();
    const Field alphas = hull.field(lattice, field, kHullMargin * lowest);

    stage("search");
    const Levels levels =
        search_levels(field, alphas, lattice, parts.judging,
                      {.density = float(options.density), .hull_alpha = float(options.hull_alpha), .iou = 0});
    if (!(levels.iou > 0)) return {};
    found.density = double(levels.density);
    found.hull_alpha = double(levels.hull_alpha);
    combine(levels, alphas, &field);
  }

  stage("fit");
  found.outline_iou = fit_if_better(parts, lattice, &field);

  stage("mesh");
  fill_cavities(lattice, &field);
  TriangleMesh mesh = marching_cubes(field, lattice);
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
