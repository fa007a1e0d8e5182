// SPDX-License-Identifier: Apache-2.0
// The reference's shared half: every Gaussian on the screen in depth order, and one pixel's walk along them.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/render/inputs.h"

namespace lucid::render::reference {

template <class Real>
struct Splat {
  int64_t index = 0;  // into the cloud
  Projection<Real> projection;
  TileRect rect;
  Falloff<Real> shape;
  Vec3<Real> colour;
  Real opacity = 0;  // after the filter
};

/// One splat's part in one pixel.
template <class Real>
struct Contribution {
  const Splat<Real>* splat = nullptr;
  Real dx = 0, dy = 0;  // pixel - mean
  Real alpha = 0;
  Real transmittance = 0;  // in front of it
  bool clamped = false;    // alpha reached kAlphaMax
};

/// Visible splats, nearest first, ties by index.
template <class Real>
std::vector<Splat<Real>> splats_in_depth_order(const CloudView<Real>& cloud, const View<Real>& view);

/// What pixel (column, row) blends, front to back; returns the transmittance left for the background.
template <class Real>
Real walk(const std::vector<Splat<Real>>& splats, int column, int row, std::vector<Contribution<Real>>* out);

}  // namespace lucid::render::reference
