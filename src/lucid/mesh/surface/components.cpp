// SPDX-License-Identifier: Apache-2.0
// Components by union-find over the vertices; their areas, and their shares of the pixels of each view.
#include "lucid/mesh/surface/components.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lucid/base/parallel.h"
#include "lucid/mesh/rasterize_mesh.h"
#include "lucid/mesh/union_find.h"

namespace lucid::mesh {
namespace {

constexpr double kMinArea = 0.002;    // of the mesh's area
constexpr double kMinPixels = 0.001;  // of the mesh's pixels in one view

double area(const TriangleMesh& mesh, const Triangle& t) {
  const Point normal = cross(mesh.positions[t[1]] - mesh.positions[t[0]], mesh.positions[t[2]] - mesh.positions[t[0]]);
  return 0.5 * std::sqrt(double(dot(normal, normal)));
}

/// The component of each triangle, numbered in the order of their first vertices.
struct Labels {
  std::vector<uint32_t> of_triangle;
  size_t count = 0;
};

Labels label_components(const TriangleMesh& mesh) {
  UnionFind sets(mesh.positions.size());
  for (const Triangle& t : mesh.triangles) {
    sets.unite(t[0], t[1]);
    sets.unite(t[0], t[2]);
  }
  constexpr uint32_t kNone = ~0u;
  std::vector<uint32_t> number(mesh.positions.size(), kNone);
  Labels labels;
  for (const Triangle& t : mesh.triangles) {
    uint32_t& label = number[sets.root(t[0])];
    if (label == kNone) label = uint32_t(labels.count++);
    labels.of_triangle.push_back(label);
  }
  return labels;
}

/// The largest share of a view's mesh pixels that each component has.
std::vector<double> largest_pixel_shares(const TriangleMesh& mesh, const Labels& labels,
                                         const std::vector<Camera>& cameras) {
  std::vector<std::vector<int64_t>> pixels(cameras.size(), std::vector<int64_t>(labels.count, 0));
  parallel_for(int64_t(cameras.size()), 1, [&](int64_t i) {
    for (const int32_t t : rasterize_mesh(mesh.positions, mesh.triangles, cameras[size_t(i)]).triangle) {
      if (t >= 0) ++pixels[size_t(i)][labels.of_triangle[size_t(t)]];
    }
  });
  std::vector<double> shares(labels.count, 0.0);
  for (const std::vector<int64_t>& view : pixels) {
    const auto covered = double(std::max<int64_t>(1, std::accumulate(view.begin(), view.end(), int64_t{0})));
    for (size_t i = 0; i < labels.count; ++i) shares[i] = std::max(shares[i], double(view[i]) / covered);
  }
  return shares;
}

template <class Keep>
void keep_components(const Labels& labels, const Keep& keep, TriangleMesh* mesh) {
  size_t kept = 0;
  for (size_t t = 0; t < mesh->triangles.size(); ++t) {
    if (keep(labels.of_triangle[t])) mesh->triangles[kept++] = mesh->triangles[t];
  }
  mesh->triangles.resize(kept);
  remove_unused_vertices(mesh);
}

}  // namespace

ComponentCounts drop_small_components(const std::vector<Camera>& cameras, TriangleMesh* mesh) {
  const Labels labels = label_components(*mesh);
  std::vector<double> areas(labels.count, 0.0);
  double whole = 0;
  for (size_t t = 0; t < mesh->triangles.size(); ++t) {
    const double own = area(*mesh, mesh->triangles[t]);
    areas[labels.of_triangle[t]] += own;
    whole += own;
  }
  const std::vector<double> shares = largest_pixel_shares(*mesh, labels, cameras);
  const auto keep = [&](uint32_t i) {
    return shares[i] > 0 && (areas[i] >= kMinArea * whole || shares[i] > kMinPixels);
  };
  ComponentCounts counts{.all = int64_t(labels.count), .kept = 0};
  for (uint32_t i = 0; i < labels.count; ++i) counts.kept += keep(i);
  keep_components(labels, keep, mesh);
  return counts;
}

bool drop_smallest_component(TriangleMesh* mesh) {
  const Labels labels = label_components(*mesh);
  if (labels.count < 2) return false;
  std::vector<int64_t> triangles(labels.count, 0);
  for (const uint32_t label : labels.of_triangle) ++triangles[label];
  const auto smallest = uint32_t(std::ranges::min_element(triangles) - triangles.begin());
  keep_components(
      labels, [&](uint32_t i) { return i != smallest; }, mesh);
  return true;
}

void remove_unused_vertices(TriangleMesh* mesh) {
  constexpr uint32_t kUnused = ~0u;
  std::vector<uint32_t> number(mesh->positions.size(), kUnused);
  for (const Triangle& t : mesh->triangles) {
    for (const uint32_t v : t) number[v] = 0;
  }
  uint32_t count = 0;
  for (size_t v = 0; v < number.size(); ++v) {
    if (number[v] == kUnused) continue;
    mesh->positions[count] = mesh->positions[v];
    number[v] = count++;
  }
  mesh->positions.resize(count);
  for (Triangle& t : mesh->triangles) {
    for (uint32_t& v : t) v = number[v];
  }
}

}  // namespace lucid::mesh
