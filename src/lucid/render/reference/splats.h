// SPDX-License-Identifier: Apache-2.0
// The part of the reference implementation that its forward and backward passes share: the projected Gaussians in depth
// order, and the contributions of one pixel.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/render/inputs.h"

namespace lucid::render::reference {

/// One projected Gaussian.
template <class Real>
struct Splat {
  int64_t index = 0;  // into the cloud
  Projection<Real> projection;
  TileRect rect;
  Falloff<Real> shape;
  Vec3<Real> colour;
  Real opacity = 0;  // after the filter
};

/// One splat's contribution to one pixel.
template <class Real>
struct Contribution {
  const Splat<Real>* splat = nullptr;
  Real dx = 0, dy = 0;  // pixel - mean
  Real alpha = 0;
  Real transmittance = 0;  // before this splat
  bool clamped = false;    // alpha reached kAlphaMax
};

/// The visible Gaussians, nearest first, ties by index.
template <class Real>
std::vector<Splat<Real>> splats_in_depth_order(const CloudView<Real>& cloud, const View<Real>& view);

/// Writes the contributions to pixel (column, row) to *out, front to back, and returns the transmittance that is left
/// for the background.
template <class Real>
Real pixel_contributions(const std::vector<Splat<Real>>& splats, int column, int row,
                         std::vector<Contribution<Real>>* out);

}  // namespace lucid::render::reference
