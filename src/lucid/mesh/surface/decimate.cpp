// SPDX-License-Identifier: Apache-2.0
// meshopt_simplify, repair, and again with a lower target if the repair has added too many triangles.
#include "lucid/mesh/surface/decimate.h"

#include <meshoptimizer.h>

#include <algorithm>
#include <limits>

#include "lucid/mesh/surface/components.h"
#include "lucid/mesh/surface/repair.h"

namespace lucid::mesh {
namespace {

void simplify(int64_t faces, TriangleMesh* mesh) {
  const size_t indices = 3 * mesh->triangles.size();
  std::vector<Triangle> result(mesh->triangles.size());
  const size_t left =
      meshopt_simplify(result.data()->data(), mesh->triangles.data()->data(), indices, &mesh->positions.data()->x,
                       mesh->positions.size(), sizeof(Point), 3 * size_t(faces), std::numeric_limits<float>::max());
  result.resize(left / 3);
  mesh->triangles = std::move(result);
  remove_unused_vertices(mesh);
}

}  // namespace

void decimate(int64_t faces, float clearance, TriangleMesh* mesh) {
  int64_t target = faces;
  while (int64_t(mesh->triangles.size()) > faces) {
    const size_t before = mesh->triangles.size();
    simplify(target, mesh);
    make_manifold(clearance, mesh);
    if (mesh->triangles.size() >= before && !drop_smallest_component(mesh)) return;
    target = std::max<int64_t>(4, target - (int64_t(mesh->triangles.size()) - faces));
  }
}

}  // namespace lucid::mesh
