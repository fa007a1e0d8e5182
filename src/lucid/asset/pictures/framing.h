// SPDX-License-Identifier: Apache-2.0
// Framing: moves and scales a cloud of any size so that it fills a camera's picture.
#pragma once

#include <array>
#include <optional>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset {

/// A ball around the visible part of a cloud, in world units.
struct Bounds {
  std::array<double, 3> centre{};
  double radius = 0;
};

/// Bounds of a cloud from quantiles weighted with opacity, so that a few distant floaters do not count: an axis of the
/// centre is the middle between the 0.5 % and 99.5 % quantiles of the means, and 99 % of the weight lies within the
/// radius, each Gaussian counted with twice its largest standard deviation. Empty if no Gaussian is visible.
std::optional<Bounds> visible_bounds(const gaussians::Cloud& cloud);

/// The radius of the largest ball around the origin that a camera at `distance` sees whole, times a margin of 0.95.
/// tan_half_fov is the smaller one of the camera.
double framed_radius(double distance, double tan_half_fov);

/// The cloud moved so that the centre of `bounds` is the origin, and scaled so that its radius is `radius`.
gaussians::Cloud framed(const gaussians::Cloud& cloud, const Bounds& bounds, double radius);

}  // namespace lucid::asset
