// SPDX-License-Identifier: Apache-2.0
// Rasterisation of texture coordinates at texel centres, and the figures of an atlas.
#include "lucid/mesh/atlas/atlas_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lucid/mesh/atlas/chart.h"
#include "lucid/mesh/atlas/relax.h"

namespace lucid::mesh {
namespace {

constexpr int64_t kSubtexels = 1 << 16;  // a texel's side in fixed-point coordinates: edges are then exact
constexpr double kRounding = 2.5e-7;  // of the doubled area, per edge length: float coordinates near 1 are off by 3e-8

struct FixedPoint {
  int64_t x, y;
};

int64_t cross_product(const FixedPoint& a, const FixedPoint& b, const FixedPoint& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/// For an edge with the triangle on its positive side: does a point on it belong to the triangle? True for exactly one
/// of the two directions of an edge.
bool owns(const FixedPoint& a, const FixedPoint& b) { return a.y != b.y ? a.y < b.y : a.x > b.x; }

/// Calls visit(x, y) for each texel whose centre the triangle covers.
template <class Visit>
void rasterize(const TriangleMesh& mesh, const Triangle& triangle, int size, const Visit& visit) {
  std::array<FixedPoint, 3> p;
  for (int c = 0; c < 3; ++c) {
    const Vec2<float>& uv = mesh.uvs[triangle[c]];
    p[c] = {std::llround(static_cast<double>(uv.x) * size * kSubtexels),
            std::llround(static_cast<double>(uv.y) * size * kSubtexels)};
  }
  const int64_t area = cross_product(p[0], p[1], p[2]);
  if (area == 0) return;
  if (area < 0) std::swap(p[1], p[2]);
  const auto [left, right] = std::minmax({p[0].x, p[1].x, p[2].x});
  const auto [top, bottom] = std::minmax({p[0].y, p[1].y, p[2].y});
  const auto last = [&](int64_t high) { return std::min<int64_t>(size - 1, high / kSubtexels); };
  for (int64_t y = std::max<int64_t>(0, top / kSubtexels); y <= last(bottom); ++y) {
    for (int64_t x = std::max<int64_t>(0, left / kSubtexels); x <= last(right); ++x) {
      const FixedPoint centre{x * kSubtexels + kSubtexels / 2, y * kSubtexels + kSubtexels / 2};
      bool inside = true;
      for (int c = 0; c < 3 && inside; ++c) {
        const int64_t side = cross_product(p[c], p[(c + 1) % 3], centre);
        inside = side > 0 || (side == 0 && owns(p[c], p[(c + 1) % 3]));
      }
      if (inside) visit(static_cast<size_t>(y) * size + x);
    }
  }
}

struct Shares {
  double stretch, area;
};

}  // namespace

std::vector<int32_t> triangles_at_texels(const TriangleMesh& mesh, int texture_size, int64_t* overlapping) {
  std::vector<int32_t> owner(static_cast<size_t>(texture_size) * texture_size, -1);
  std::vector<bool> shared(owner.size());
  for (size_t f = 0; f < mesh.triangles.size(); ++f) {
    rasterize(mesh, mesh.triangles[f], texture_size, [&](size_t texel) {
      if (owner[texel] >= 0) {
        shared[texel] = true;
      } else {
        owner[texel] = static_cast<int32_t>(f);
      }
    });
  }
  if (overlapping) *overlapping = std::count(shared.begin(), shared.end(), true);
  return owner;
}

std::vector<int32_t> charts_of(const TriangleMesh& mesh) {
  const Neighbours neighbours = neighbours_of(mesh.triangles);
  std::vector<int32_t> chart(mesh.triangles.size(), -1);
  int32_t count = 0;
  for (uint32_t first = 0; first < chart.size(); ++first) {
    if (chart[first] >= 0) continue;
    std::vector<uint32_t> part{first};
    chart[first] = count;
    for (size_t i = 0; i < part.size(); ++i) {
      for (const int32_t next : neighbours[part[i]]) {
        if (next < 0 || chart[next] >= 0) continue;
        chart[next] = count;
        part.push_back(static_cast<uint32_t>(next));
      }
    }
    ++count;
  }
  return chart;
}

AtlasReport measure_atlas(const TriangleMesh& mesh, int texture_size) {
  AtlasReport report;
  const std::vector<int32_t> charts = charts_of(mesh);
  for (const int32_t c : charts) report.charts = std::max<int64_t>(report.charts, c + 1);

  const std::vector<int32_t> owner = triangles_at_texels(mesh, texture_size, &report.overlapping);
  const auto used = static_cast<double>(owner.size() - std::count(owner.begin(), owner.end(), -1));
  report.used = used / static_cast<double>(owner.size());

  const std::vector<Vec3<double>> normals = face_normals(mesh);
  std::vector<std::array<Uv, 3>> uvs;
  double area_in_space = 0, area_in_texture = 0;
  for (size_t f = 0; f < mesh.triangles.size(); ++f) {
    std::array<Uv, 3> uv;
    for (int c = 0; c < 3; ++c) {
      const Vec2<float>& p = mesh.uvs[mesh.triangles[f][c]];
      uv[c] = {p.x, -p.y};  // upwards, so that a triangle that is not mirrored is counter-clockwise
    }
    uvs.push_back(uv);
    const double doubled = cross(uv[1] - uv[0], uv[2] - uv[0]);
    double longest = 0;
    for (int c = 0; c < 3; ++c)
      longest = std::max(longest, std::hypot(uv[c].x - uv[(c + 1) % 3].x, uv[c].y - uv[(c + 1) % 3].y));
    if (doubled < -kRounding * longest) ++report.flipped;
    area_in_texture += std::abs(doubled);
    area_in_space += std::sqrt(dot(normals[f], normals[f]));
  }
  if (!(area_in_space > 0) || !(area_in_texture > 0)) return report;

  const double scale = std::sqrt(area_in_space / area_in_texture);
  std::vector<Shares> shares;
  for (size_t f = 0; f < mesh.triangles.size(); ++f) {
    const Triangle& t = mesh.triangles[f];
    const Stretch stretch = stretch_of({mesh.positions[t[0]], mesh.positions[t[1]], mesh.positions[t[2]]},
                                       {scale * uvs[f][0], scale * uvs[f][1], scale * uvs[f][2]});
    shares.push_back({stretch.to_space, std::sqrt(dot(normals[f], normals[f])) / area_in_space});
  }
  std::sort(shares.begin(), shares.end(), [](const Shares& a, const Shares& b) { return a.stretch < b.stretch; });
  double below = 0;
  for (const Shares& s : shares) {
    if (s.area > 0) report.mean_stretch += s.area * s.stretch;
    if (below < 0.99) report.stretch_99 = s.stretch;
    below += s.area;
  }
  return report;
}

}  // namespace lucid::mesh
