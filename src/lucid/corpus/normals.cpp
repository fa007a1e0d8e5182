// SPDX-License-Identifier: Apache-2.0
// Area-weighted vertex normals; the faces around each vertex are found by a counting sort.
#include "lucid/corpus/normals.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"

namespace lucid::corpus {
namespace {

constexpr float kCrease =
    0.34f;  // cosine of the crease angle, 70 degrees: a box in one smoothing group keeps its edges

Float3 unit(const Float3& v) {
  const float length = std::sqrt(dot(v, v));
  return length > 0 ? (1 / length) * v : Float3{0, 0, 1};
}

bool is_missing(const Mesh& mesh, int32_t index) {
  return index < 0 || dot(mesh.normals[static_cast<size_t>(index)], mesh.normals[static_cast<size_t>(index)]) == 0;
}

}  // namespace

void fill_missing_normals(Mesh& mesh, const std::vector<unsigned>& groups) {
  LUCID_CHECK(groups.size() == mesh.triangles.size(), "{} groups, {} triangles", groups.size(), mesh.triangles.size());
  const size_t count = mesh.triangles.size();
  std::vector<Float3> across(count), facing(count);  // face normals: scaled by twice the area, and of unit length
  std::vector<int32_t> start(mesh.positions.size() + 1, 0);
  for (size_t t = 0; t < count; ++t) {
    const auto& index = mesh.triangles[t].position;
    const auto p = [&](size_t corner) { return mesh.positions[static_cast<size_t>(index[corner])]; };
    across[t] = cross(p(1) - p(0), p(2) - p(0));
    facing[t] = unit(across[t]);
    for (const int32_t i : index) ++start[static_cast<size_t>(i) + 1];
  }
  for (size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
  std::vector<int32_t> around(3 * count), filled(start.begin(), start.end() - 1);  // faces of each position
  for (size_t t = 0; t < count; ++t) {
    for (const int32_t i : mesh.triangles[t].position) {
      around[static_cast<size_t>(filled[static_cast<size_t>(i)]++)] = static_cast<int32_t>(t);
    }
  }
  for (size_t t = 0; t < count; ++t) {
    Triangle& triangle = mesh.triangles[t];
    for (size_t corner = 0; corner < 3; ++corner) {
      if (!is_missing(mesh, triangle.normal[corner])) continue;
      Float3 sum = across[t];
      if (groups[t] != 0) {
        sum = {};
        const auto position = static_cast<size_t>(triangle.position[corner]);
        constexpr int32_t kMostFaces = 64;  // a fan of thousands of faces would take quadratic time
        const int32_t end = std::min(start[position + 1], start[position] + kMostFaces);
        for (int32_t i = start[position]; i < end; ++i) {
          const auto other = static_cast<size_t>(around[static_cast<size_t>(i)]);
          if (groups[other] == groups[t] && dot(facing[other], facing[t]) > kCrease) sum = sum + across[other];
        }
        if (!(dot(sum, sum) > 0)) sum = across[t];
      }
      triangle.normal[corner] = static_cast<int32_t>(mesh.normals.size());
      mesh.normals.push_back(unit(sum));
    }
  }
}

}  // namespace lucid::corpus
