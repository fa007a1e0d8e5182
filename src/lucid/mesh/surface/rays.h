// SPDX-License-Identifier: Apache-2.0
// Rays of pixels through a lattice, with steps over blocks in which a field is below a threshold everywhere.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "lucid/camera/camera.h"
#include "lucid/mesh/surface/lattice.h"

namespace lucid::mesh {

/// A point between eight samples: the one with the smallest coordinates, and the position from it, in [0, 1].
struct CellPoint {
  int64_t index = 0;
  float u = 0, v = 0, w = 0;  // along x, y and z
};

/// In world units.
inline Point position(const Lattice& lattice, const CellPoint& at) {
  const int64_t row = at.index / lattice.size[0];
  return lattice.at(float(at.index % lattice.size[0]) + at.u, float(row % lattice.size[1]) + at.v,
                    float(row / lattice.size[1]) + at.w);
}

/// Trilinear interpolation.
inline float interpolate(const Field& field, const Lattice& lattice, const CellPoint& at) {
  const int64_t step_y = lattice.size[0], step_z = step_y * lattice.size[1];
  const float* p = &field[size_t(at.index)];
  const auto along_x = [&](const float* q) { return q[0] + at.u * (q[1] - q[0]); };
  const auto plane = [&](const float* q) {
    const float a = along_x(q), b = along_x(q + step_y);
    return a + at.v * (b - a);
  };
  const float a = plane(p), b = plane(p + step_z);
  return a + at.w * (b - a);
}

/// Which blocks of 8^3 cells hold a value of at least `threshold`.
class ActiveBlocks {
 public:
  static constexpr int kSide = 8;  // cells
  ActiveBlocks(const Field& field, const Lattice& lattice, float threshold);
  bool active(int x, int y, int z) const {  // cell
    return active_[size_t((z / kSide * count_[1] + y / kSide) * count_[0] + x / kSide)] != 0;
  }

 private:
  std::array<int, 3> count_{};
  std::vector<char> active_;  // [Z,Y,X]
};

/// The rays of one camera's pixels in lattice coordinates.
class PixelRays {
 public:
  PixelRays(const Camera& camera, const Lattice& lattice);

  /// Calls visit(CellPoint) along the ray of the pixel's centre, from near to far, at distances of `step` spacings,
  /// wherever the block is active, until visit returns false.
  template <class Visit>
  void march(int column, int row, float step, const ActiveBlocks& blocks, const Visit& visit) const {
    const Point d = direction(column, row);
    const std::array<float, 3> o = {origin_.x, origin_.y, origin_.z}, ray = {d.x, d.y, d.z};
    float t = 0, end = std::numeric_limits<float>::max();
    for (size_t k = 0; k < 3; ++k) {
      const float a = (kEdge - o[k]) / ray[k], b = (float(size_[k] - 1) - kEdge - o[k]) / ray[k];
      t = std::max(t, std::min(a, b));
      end = std::min(end, std::max(a, b));
    }
    while (t < end) {
      const std::array<float, 3> p = {o[0] + t * ray[0], o[1] + t * ray[1], o[2] + t * ray[2]};
      std::array<int, 3> cell{};
      for (size_t k = 0; k < 3; ++k) cell[k] = std::clamp(int(p[k]), 0, size_[k] - 2);
      if (blocks.active(cell[0], cell[1], cell[2])) {
        const CellPoint at{(int64_t{cell[2]} * size_[1] + cell[1]) * size_[0] + cell[0], p[0] - float(cell[0]),
                           p[1] - float(cell[1]), p[2] - float(cell[2])};
        if (!visit(at)) return;
        t += step;
        continue;
      }
      float leave = std::numeric_limits<float>::max();  // the ray's way out of the block
      for (size_t k = 0; k < 3; ++k) {
        const int low = cell[k] / ActiveBlocks::kSide * ActiveBlocks::kSide;
        const float side = float(ray[k] > 0 ? low + ActiveBlocks::kSide : low);
        leave = std::min(leave, (side - p[k]) / ray[k]);
      }
      t += std::max(leave, 0.0f) + kEdge;
    }
  }

 private:
  static constexpr float kEdge = 1e-3f;  // keeps points off the faces of the lattice and of blocks
  /// Of length 1, without zero components.
  Point direction(int column, int row) const;

  std::array<int, 3> size_;
  Point origin_;                           // of all rays
  std::array<Point, 3> world_from_pixel_;  // direction = sum of these times (column, row, 1)
};

}  // namespace lucid::mesh
