// SPDX-License-Identifier: Apache-2.0
// Welding by meshoptimizer's hash of a vertex's bytes.
#include "lucid/mesh/weld.h"

#include <meshoptimizer.h>

namespace lucid::mesh {

Welding weld(const std::vector<Point>& positions) {
  Welding welding{.position_of = std::vector<uint32_t>(positions.size()), .vertex_of = {}};
  if (positions.empty()) return welding;
  std::vector<Point> bytes = positions;
  for (Point& p : bytes) p = p + Point{};  // -0 becomes +0
  meshopt_generateVertexRemap(welding.position_of.data(), nullptr, bytes.size(), bytes.data(), bytes.size(),
                              sizeof(Point));
  for (uint32_t v = 0; v < positions.size(); ++v) {
    if (welding.position_of[v] == welding.vertex_of.size()) welding.vertex_of.push_back(v);
  }
  return welding;
}

std::vector<Triangle> welded_triangles(const std::vector<Triangle>& triangles, const Welding& welding) {
  std::vector<Triangle> welded;
  welded.reserve(triangles.size());
  for (const Triangle& t : triangles) {
    const Triangle w = {welding.position_of[t[0]], welding.position_of[t[1]], welding.position_of[t[2]]};
    if (w[0] != w[1] && w[1] != w[2] && w[2] != w[0]) welded.push_back(w);
  }
  return welded;
}

}  // namespace lucid::mesh
