// SPDX-License-Identifier: Apache-2.0
// A coarse coloured shape: which cells of a cube its surface touches, and where in the cell, how far and in which
// colour.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace lucid::shape {

inline constexpr int64_t kSide = 32;                      // cells along each axis
inline constexpr int64_t kCells = kSide * kSide * kSide;  // cell (x, y, z) is number (z kSide + y) kSide + x
inline constexpr double kHalf = 1;                        // the cube is [-kHalf, kHalf]^3; world axes: z up, front +y
inline constexpr double kCellSize = 2 * kHalf / kSide;

/// All tensors are float32, on the CPU. Values of cells that are not occupied mean nothing.
struct Grid {
  torch::Tensor occupancy;  // [kCells] probability that the surface touches the cell
  torch::Tensor rgb;        // [kCells,3] mean colour of the surface there, in 0..1
  torch::Tensor offset;     // [kCells,3] mean of the surface's points less the cell's centre, in cells: -0.5 to 0.5
  torch::Tensor spread;     // [kCells,3] their standard deviation along x, y, z, in cells
};

}  // namespace lucid::shape
