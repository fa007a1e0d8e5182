// SPDX-License-Identifier: Apache-2.0
// Seams of a texture: the edges of the surface at which its texture coordinates jump.
#include "lucid/mesh/colour/seams.h"

#include <algorithm>
#include <cmath>

#include "lucid/mesh/texture_sampling.h"
#include "lucid/mesh/weld.h"

namespace lucid::mesh {
namespace {

struct Side {
  uint64_t key;          // both ends as welded vertices, the smaller one in the high half
  uint32_t first, last;  // the ends as vertices of the mesh, in the order of the key
};

std::vector<Side> sorted_sides(const TriangleMesh& mesh) {
  const std::vector<uint32_t> welded = weld(mesh.positions).position_of;
  std::vector<Side> sides;
  for (const Triangle& t : mesh.triangles) {
    for (size_t k = 0; k < 3; ++k) {
      uint32_t a = t[k], b = t[(k + 1) % 3];
      if (welded[a] > welded[b]) std::swap(a, b);
      sides.push_back({uint64_t{welded[a]} << 32 | welded[b], a, b});
    }
  }
  std::ranges::stable_sort(sides, {}, &Side::key);
  return sides;
}

Vec2<float> along(const Vec2<float>& from, const Vec2<float>& to, float share) {
  return {from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)};
}

void add_side(Vec2<float> uv, int size, float sign, size_t first, SeamRow* row) {
  const BilinearTaps t(uv, size, size);
  row->texel[first] = t.y0 * size + t.x0;
  row->texel[first + 1] = t.y0 * size + t.x1;
  row->texel[first + 2] = t.y1 * size + t.x0;
  row->texel[first + 3] = t.y1 * size + t.x1;
  row->weight[first] = sign * (1 - t.fx) * (1 - t.fy);
  row->weight[first + 1] = sign * t.fx * (1 - t.fy);
  row->weight[first + 2] = sign * (1 - t.fx) * t.fy;
  row->weight[first + 3] = sign * t.fx * t.fy;
}

}  // namespace

std::vector<SeamRow> seam_rows(const TriangleMesh& mesh, int size) {
  constexpr float kPointsPerTexel = 1.5f;
  const std::vector<Side> sides = sorted_sides(mesh);
  std::vector<SeamRow> rows;
  for (size_t i = 1; i < sides.size(); ++i) {
    const Side &a = sides[i - 1], &b = sides[i];
    if (a.key != b.key || (a.first == b.first && a.last == b.last)) continue;
    const auto length = [&](const Side& side) {
      const Vec2<float>&from = mesh.uvs[side.first], &to = mesh.uvs[side.last];
      return std::hypot(to.x - from.x, to.y - from.y) * float(size);
    };
    const int steps = std::max(1, int(std::ceil(kPointsPerTexel * std::max(length(a), length(b)))));
    for (int k = 0; k <= steps; ++k) {
      const float share = float(k) / float(steps);
      SeamRow row;
      add_side(along(mesh.uvs[a.first], mesh.uvs[a.last], share), size, 1, 0, &row);
      add_side(along(mesh.uvs[b.first], mesh.uvs[b.last], share), size, -1, 4, &row);
      rows.push_back(row);
    }
  }
  return rows;
}

void close_seams(const std::vector<SeamRow>& rows, std::vector<float>* texels) {
  constexpr int kSweeps = 300;            // at most
  constexpr float kClosed = 0.25f / 255;  // largest difference left
  float largest = 1;
  for (int sweep = 0; sweep < kSweeps && largest > kClosed; ++sweep) {
    largest = 0;
    for (const SeamRow& row : rows) {
      float difference = 0, squared = 0;
      for (size_t k = 0; k < 8; ++k) {
        difference += row.weight[k] * (*texels)[size_t(row.texel[k])];
        squared += row.weight[k] * row.weight[k];
      }
      largest = std::max(largest, std::abs(difference));
      if (std::abs(difference) <= kClosed) continue;
      for (size_t k = 0; k < 8; ++k) {
        float& texel = (*texels)[size_t(row.texel[k])];
        texel = std::clamp(texel - difference / squared * row.weight[k], 0.0f, 1.0f);
      }
    }
  }
}

}  // namespace lucid::mesh
