// SPDX-License-Identifier: Apache-2.0
// The z-buffer rasteriser: triangles are sorted into bands of rows; each band is drawn by one thread, in the order of
// the triangles, so that the picture does not depend on the number of threads.
#include "lucid/mesh/rasterize_mesh.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/mesh/screen_vertex.h"

namespace lucid::mesh {
namespace {

constexpr int kBandRows = 32;

/// The pixels whose centres may lie in a triangle; half open. Empty if x0 >= x1 or y0 >= y1.
struct PixelBox {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  bool empty() const { return x0 >= x1 || y0 >= y1; }
};

/// The first pixel whose centre is at or after `at`, limited to [0, size].
int first_pixel(double at, int size) { return int(std::clamp(std::ceil(at - 0.5), 0.0, double(size))); }
/// The end of the pixels whose centres are at or before `at`, limited to [0, size].
int end_pixel(double at, int size) { return int(std::clamp(std::floor(at - 0.5) + 1, 0.0, double(size))); }

PixelBox box_of(const ScreenVertex& a, const ScreenVertex& b, const ScreenVertex& c, int width, int height) {
  if (a.inverse_z <= 0 || b.inverse_z <= 0 || c.inverse_z <= 0) return {};
  return {first_pixel(std::min({a.x, b.x, c.x}), width), first_pixel(std::min({a.y, b.y, c.y}), height),
          end_pixel(std::max({a.x, b.x, c.x}), width), end_pixel(std::max({a.y, b.y, c.y}), height)};
}

/// The edge function of one side: positive inside the triangle, zero on the line through p and q. It is computed from
/// the two ends in a fixed order. The two triangles at an edge therefore get values that differ in sign only, and no
/// pixel on their border is lost or drawn by both.
struct Edge {
  double x, y;    // a point of the line
  double dx, dy;  // the gradient, towards the inside
  bool owns;      // top-left rule: pixel centres on the line belong to this triangle

  Edge(const ScreenVertex& p, const ScreenVertex& q) {
    const bool in_order = p.y != q.y ? p.y < q.y : p.x < q.x;
    const ScreenVertex &first = in_order ? p : q, &second = in_order ? q : p;
    const double sign = in_order ? 1 : -1;
    x = first.x;
    y = first.y;
    dx = sign * (first.y - second.y);
    dy = sign * (second.x - first.x);
    set_owner();
  }
  void flip() {
    dx = -dx;
    dy = -dy;
    set_owner();
  }
  void set_owner() { owns = dx > 0 || (dx == 0 && dy > 0); }
  double at(double px, double py) const { return dx * (px - x) + dy * (py - y); }
  bool contains(double value) const { return value > 0 || (value == 0 && owns); }
};

/// The triangles that each band of rows draws: those of band b are triangles[begin[b]] to triangles[begin[b + 1]].
struct Bands {
  std::vector<int64_t> begin;
  std::vector<int32_t> triangles;
};

Bands sort_into_bands(const std::vector<PixelBox>& boxes, int height) {
  Bands bands;
  bands.begin.assign(size_t((height + kBandRows - 1) / kBandRows) + 1, 0);
  for (const PixelBox& box : boxes) {
    if (box.empty()) continue;
    for (int b = box.y0 / kBandRows; b <= (box.y1 - 1) / kBandRows; ++b) ++bands.begin[size_t(b) + 1];
  }
  for (size_t b = 1; b < bands.begin.size(); ++b) bands.begin[b] += bands.begin[b - 1];
  bands.triangles.resize(size_t(bands.begin.back()));
  std::vector<int64_t> next = bands.begin;
  for (size_t t = 0; t < boxes.size(); ++t) {
    if (boxes[t].empty()) continue;
    for (int b = boxes[t].y0 / kBandRows; b <= (boxes[t].y1 - 1) / kBandRows; ++b) {
      bands.triangles[size_t(next[size_t(b)]++)] = int32_t(t);
    }
  }
  return bands;
}

/// Draws the rows [first_row, end_row) of one triangle. `out->depth` holds 1 / z while the picture is drawn: it is
/// linear in screen space.
void draw(const std::array<ScreenVertex, 3>& v, int32_t triangle, const PixelBox& box, MeshPicture* out) {
  Edge edges[3] = {{v[1], v[2]}, {v[2], v[0]}, {v[0], v[1]}};  // opposite to each vertex
  double area = edges[0].at(v[0].x, v[0].y);                   // twice the triangle's
  if (area < 0) {
    area = -area;
    for (Edge& edge : edges) edge.flip();
  }
  if (!(area > 0) || !std::isfinite(area)) return;
  const double scale[3] = {v[0].inverse_z / area, v[1].inverse_z / area, v[2].inverse_z / area};
  for (int y = box.y0; y < box.y1; ++y) {
    for (int x = box.x0; x < box.x1; ++x) {
      double value[3];
      bool inside = true;
      for (int k = 0; k < 3; ++k) {
        value[k] = edges[k].at(x + 0.5, y + 0.5);
        inside = inside && edges[k].contains(value[k]);
      }
      if (!inside) continue;
      const double second = value[1] * scale[1], third = value[2] * scale[2];
      const double inverse_z = value[0] * scale[0] + second + third;
      const size_t pixel = size_t(y) * size_t(out->width) + size_t(x);
      if (!(float(inverse_z) > out->depth[pixel])) continue;
      out->depth[pixel] = float(inverse_z);
      out->triangle[pixel] = triangle;
      out->barycentric[pixel] = {float(second / inverse_z), float(third / inverse_z)};
    }
  }
}

}  // namespace

MeshPicture rasterize_mesh(const std::vector<Point>& positions, const std::vector<Triangle>& triangles,
                           const Camera& camera) {
  LUCID_CHECK(camera.width > 0 && camera.height > 0, "picture of {} x {} pixels", camera.width, camera.height);
  const std::vector<ScreenVertex> screen = project_vertices(positions, camera);
  const auto corners = [&](size_t t) {
    return std::array<ScreenVertex, 3>{screen[triangles[t][0]], screen[triangles[t][1]], screen[triangles[t][2]]};
  };
  std::vector<PixelBox> boxes(triangles.size());
  parallel_for(int64_t(triangles.size()), 4096, [&](int64_t t) {
    const auto v = corners(size_t(t));
    boxes[size_t(t)] = box_of(v[0], v[1], v[2], camera.width, camera.height);
  });
  const Bands bands = sort_into_bands(boxes, camera.height);

  MeshPicture out;
  out.width = camera.width;
  out.height = camera.height;
  const size_t pixels = size_t(out.width) * size_t(out.height);
  out.triangle.assign(pixels, -1);
  out.depth.assign(pixels, 0);
  out.barycentric.assign(pixels, {});
  parallel_for(int64_t(bands.begin.size()) - 1, 1, [&](int64_t b) {
    const int first_row = int(b) * kBandRows, end_row = std::min(first_row + kBandRows, out.height);
    for (int64_t i = bands.begin[size_t(b)]; i < bands.begin[size_t(b) + 1]; ++i) {
      const int32_t t = bands.triangles[size_t(i)];
      PixelBox box = boxes[size_t(t)];
      box.y0 = std::max(box.y0, first_row);
      box.y1 = std::min(box.y1, end_row);
      draw(corners(size_t(t)), t, box, &out);
    }
    const auto first = out.depth.begin() + int64_t(first_row) * out.width;
    std::transform(first, out.depth.begin() + int64_t(end_row) * out.width, first, [](float inverse_z) {
      return inverse_z > 0 ? 1 / inverse_z : std::numeric_limits<float>::infinity();
    });
  });
  return out;
}

}  // namespace lucid::mesh
