// SPDX-License-Identifier: Apache-2.0
// The scene of a glTF file: which primitives it shows, and where.
#pragma once

#include <array>
#include <vector>

#include "lucid/asset/mesh_files/glb_document.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::mesh_files {

/// A point p becomes linear * p + offset. The matrix is stored by rows.
struct Affine {
  std::array<double, 9> linear{1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::array<double, 3> offset{};

  mesh::Point operator()(double x, double y, double z) const {
    const auto row = [&](size_t i) {
      return static_cast<float>(linear[3 * i] * x + linear[3 * i + 1] * y + linear[3 * i + 2] * z + offset[i]);
    };
    return {row(0), row(1), row(2)};
  }
  bool mirrors() const {
    const auto& m = linear;
    return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
               m[2] * (m[3] * m[7] - m[4] * m[6]) <
           0;
  }
};

/// `a` after `b`.
inline Affine operator*(const Affine& a, const Affine& b) {
  Affine c;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      c.linear[3 * i + j] =
          a.linear[3 * i] * b.linear[j] + a.linear[3 * i + 1] * b.linear[3 + j] + a.linear[3 * i + 2] * b.linear[6 + j];
    }
    c.offset[i] = a.linear[3 * i] * b.offset[0] + a.linear[3 * i + 1] * b.offset[1] +
                  a.linear[3 * i + 2] * b.offset[2] + a.offset[i];
  }
  return c;
}

/// A node of the scene; `json` belongs to the document.
struct GlbNode {
  int64_t number = 0, parent = -1;  // places in "nodes"; -1: a root
  Affine world_from_node;
  const nlohmann::json* json = nullptr;
};

/// All nodes of the file's scene, parents before their children; without a scene, all nodes below those without a
/// parent. Throws UserError: nodes that are no tree, missing elements, a required extension that is not known.
std::vector<GlbNode> nodes_of(const GlbDocument& document);

/// One appearance of a primitive; both pointers belong to the document.
struct GlbInstance {
  const nlohmann::json* primitive = nullptr;
  Affine world_from_mesh;
};

/// The primitives of all nodes_of(). Throws UserError as it does, and if there are too many.
std::vector<GlbInstance> instances_of(const GlbDocument& document);

}  // namespace lucid::asset::mesh_files
