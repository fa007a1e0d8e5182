// SPDX-License-Identifier: Apache-2.0
// Points of a grid: where they lie, how many a cell has, their colours.
#include "lucid/shape/points.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace lucid::shape {
namespace {

int64_t cell_number(int64_t x, int64_t y, int64_t z) { return (z * kSide + y) * kSide + x; }

Grid empty_grid() {
  return {.occupancy = torch::zeros({kCells}),
          .rgb = torch::zeros({kCells, 3}),
          .offset = torch::zeros({kCells, 3}),
          .spread = torch::full({kCells, 3}, 0.29F)};
}

void fill(Grid& grid, int64_t cell, std::array<float, 3> rgb) {
  grid.occupancy[cell] = 0.9F;
  for (int64_t c = 0; c < 3; ++c) grid.rgb[cell][c] = rgb[size_t(c)];
}

/// A few cells at random, at corners of the cube as well.
Grid some_cells() {
  Grid grid = empty_grid();
  torch::manual_seed(4);
  grid.rgb = torch::rand({kCells, 3});
  grid.offset = torch::rand({kCells, 3}) - 0.5;
  grid.occupancy = torch::where(torch::rand({kCells}) < 0.02, 0.9, 0.1).to(torch::kFloat);
  grid.occupancy[0] = grid.occupancy[kCells - 1] = 1;
  return grid;
}

int64_t cell_at(const float* p) {
  const auto index = [](float x) { return static_cast<int64_t>(std::floor((x + kHalf) / kCellSize)); };
  return cell_number(index(p[0]), index(p[1]), index(p[2]));
}

Points drawn(const Grid& grid, int64_t count, uint64_t seed = 1) {
  Rng rng(seed, "points");
  return points_of(grid, count, rng);
}

TEST(ShapePoints, LieInOccupiedCellsAndEachHasItsShare) {
  const Grid grid = some_cells();
  const int64_t cells = (grid.occupancy > kOccupied).sum().item<int64_t>(), count = 5 * cells + 3;
  const Points points = drawn(grid, count);
  ASSERT_EQ(points.xyz.size(0), count);
  std::map<int64_t, int64_t> in_cell;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t cell = cell_at(points.xyz.data_ptr<float>() + 3 * i);
    ASSERT_GT(grid.occupancy[cell].item<float>(), kOccupied);
    ++in_cell[cell];
  }
  EXPECT_EQ(std::ssize(in_cell), cells);
  for (const auto& [cell, n] : in_cell) EXPECT_TRUE(n == 5 || n == 6) << n;
}

TEST(ShapePoints, AreAFunctionOfTheSeed) {
  const Grid grid = some_cells();
  const Points a = drawn(grid, 1000), b = drawn(grid, 1000), c = drawn(grid, 1000, 2);
  EXPECT_TRUE(a.xyz.equal(b.xyz));
  EXPECT_TRUE(a.rgb.equal(b.rgb));
  EXPECT_FALSE(a.xyz.equal(c.xyz));
}

TEST(ShapePoints, FollowTheMeanAndTheSpreadOfTheirCell) {
  Grid grid = empty_grid();
  const int64_t cell = cell_number(3, 20, 9);
  fill(grid, cell, {1, 0, 0});
  grid.offset[cell][0] = 0.3F;
  grid.spread[cell][0] = 0.05F;
  grid.spread[cell][2] = 0;
  const torch::Tensor cells = (drawn(grid, 4000).xyz + kHalf) / kCellSize - torch::tensor({3.5, 20.5, 9.5});
  const torch::Tensor mean = cells.mean(0), deviation = cells.std(0);
  EXPECT_NEAR(mean[0].item<double>(), 0.3, 0.005);
  EXPECT_NEAR(mean[1].item<double>(), 0, 0.02);
  EXPECT_NEAR(deviation[0].item<double>(), 0.05, 0.003);
  EXPECT_NEAR(deviation[1].item<double>(), 0.29, 0.01);
  EXPECT_NEAR(deviation[2].item<double>(), 0, 1e-4);
}

TEST(ShapePoints, ColoursBlendBetweenOccupiedCellsOnly) {
  Grid grid = empty_grid();
  fill(grid, cell_number(10, 10, 10), {1, 0, 0});
  fill(grid, cell_number(11, 10, 10), {0, 0, 1});
  grid.rgb[cell_number(12, 10, 10)][1] = 1;  // green, but not occupied
  const Points points = drawn(grid, 2000);
  for (int64_t i = 0; i < 2000; ++i) {
    const float x = (points.xyz[i][0].item<float>() + float(kHalf)) / float(kCellSize);
    const float blue = std::clamp(x - 10.5F, 0.0F, 1.0F);
    EXPECT_NEAR(points.rgb[i][0].item<float>(), 1 - blue, 1e-4);
    EXPECT_EQ(points.rgb[i][1].item<float>(), 0);
    EXPECT_NEAR(points.rgb[i][2].item<float>(), blue, 1e-4);
  }
}

TEST(ShapePoints, AnEmptyGridGivesNone) { EXPECT_EQ(drawn(empty_grid(), 100).xyz.size(0), 0); }

}  // namespace
}  // namespace lucid::shape
