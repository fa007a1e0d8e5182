// SPDX-License-Identifier: Apache-2.0
// Draws points in occupied cells and interpolates their colours.
#include "lucid/shape/points.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace lucid::shape {
namespace {

using Cell = std::array<int64_t, 3>;  // x, y, z

int64_t number_of(const Cell& cell) { return (cell[2] * kSide + cell[1]) * kSide + cell[0]; }

/// Mean colour of the occupied ones of the eight cells whose centres surround a point, by trilinear weights. The point
/// lies in an occupied cell, which has a weight of 1/8 at least.
std::array<float, 3> colour_at(const std::array<double, 3>& cells_from_corner, const float* occupancy,
                               const float* rgb) {
  Cell low{};
  std::array<double, 3> share{};
  for (size_t axis = 0; axis < 3; ++axis) {
    const double at = cells_from_corner[axis] - 0.5, floor = std::floor(at);
    low[axis] = static_cast<int64_t>(floor);
    share[axis] = at - floor;
  }
  double sum[3] = {}, total = 0;
  for (int corner = 0; corner < 8; ++corner) {
    Cell cell = low;
    double weight = 1;
    bool inside = true;
    for (size_t axis = 0; axis < 3; ++axis) {
      const bool high = (corner >> axis & 1) != 0;
      cell[axis] += high ? 1 : 0;
      weight *= high ? share[axis] : 1 - share[axis];
      inside = inside && cell[axis] >= 0 && cell[axis] < kSide;
    }
    if (!inside || occupancy[number_of(cell)] <= kOccupied) continue;
    total += weight;
    for (int c = 0; c < 3; ++c) sum[c] += weight * rgb[3 * number_of(cell) + c];
  }
  std::array<float, 3> colour{};
  for (size_t c = 0; c < 3; ++c) colour[c] = static_cast<float>(sum[c] / total);
  return colour;
}

}  // namespace

Points points_of(const Grid& grid, int64_t count, Rng& rng) {
  const float* occupancy = grid.occupancy.data_ptr<float>();
  const float* rgb = grid.rgb.data_ptr<float>();
  const float* offset = grid.offset.data_ptr<float>();
  const float* spread = grid.spread.data_ptr<float>();
  std::vector<int64_t> occupied;
  for (int64_t i = 0; i < kCells; ++i) {
    if (occupancy[i] > kOccupied) occupied.push_back(i);
  }
  const auto cells = static_cast<int64_t>(occupied.size());
  const int64_t n = cells == 0 ? 0 : count;
  Points points{.xyz = torch::empty({n, 3}), .rgb = torch::empty({n, 3})};
  float* xyz_out = points.xyz.data_ptr<float>();
  float* rgb_out = points.rgb.data_ptr<float>();
  for (int64_t i = 0; i < n; ++i) {
    const int64_t cell = occupied[static_cast<size_t>(i * cells / n)];
    const Cell corner{cell % kSide, cell / kSide % kSide, cell / (kSide * kSide)};
    std::array<double, 3> at{};  // in cells, from the cube's lowest corner
    for (size_t axis = 0; axis < 3; ++axis) {
      const int64_t value = 3 * cell + static_cast<int64_t>(axis);
      // A uniform density of standard deviation s is 2 sqrt(3) s wide.
      const double inside = offset[value] + std::numbers::sqrt3 * spread[value] * rng.uniform(-1, 1);
      at[axis] = static_cast<double>(corner[axis]) + 0.5 + std::clamp(inside, -0.499, 0.499);
      xyz_out[3 * i + static_cast<int64_t>(axis)] = static_cast<float>(at[axis] * kCellSize - kHalf);
    }
    std::ranges::copy(colour_at(at, occupancy, rgb), rgb_out + 3 * i);
  }
  return points;
}

}  // namespace lucid::shape
