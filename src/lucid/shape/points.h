// SPDX-License-Identifier: Apache-2.0
// Points on the surface that a grid describes.
#pragma once

#include "lucid/base/rng.h"
#include "lucid/shape/grid.h"

namespace lucid::shape {

struct Points {
  torch::Tensor xyz;  // [N,3] float32, in the grid's cube
  torch::Tensor rgb;  // [N,3] float32 in 0..1
};

/// Cells that are more probable than this are taken to be occupied. Below 1/2, so that thin parts stay whole.
inline constexpr double kOccupied = 0.4;

/// `count` points, the same number in each occupied cell up to one. In a cell they fill a box around its mean, as wide
/// as its spread says and inside the cell. Their colours are interpolated between the occupied cells around. A grid
/// without an occupied cell gives no points.
Points points_of(const Grid& grid, int64_t count, Rng& rng);

}  // namespace lucid::shape
