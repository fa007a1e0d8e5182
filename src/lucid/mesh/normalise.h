// SPDX-License-Identifier: Apache-2.0
// A cloud moved to the origin and scaled to one size, so that assets of any scale are meshed alike.
#pragma once

#include <optional>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {

struct Box {
  Point low, high;  // world units
};

/// Where the Gaussians of a cloud lie, in world units. Faint Gaussians, which no picture shows, are not counted.
struct Extent {
  Box all;     // each Gaussian's centre +- 3 standard deviations, less the outermost 0.05 % by opacity at each side
  Box middle;  // of the centres, less a quarter by opacity at each side
  /// Longest side of `all` to longest side of `middle`: 2 for an evenly filled box, up to 7 for objects, tens for
  /// scenes.
  double spread() const;
  bool is_scene() const;
};
Extent extent_of(const render::CloudView<float>& cloud);

/// The Gaussians of an object, with its box centred on the origin and its longest side 2. The arrays are copies.
struct NormalisedCloud {
  int sh_degree = 0;
  std::vector<float> means, scales, quats, opacities, sh;  // as in render::CloudView
  Extent extent;                                           // of the kept Gaussians, in the original coordinates
  std::vector<int64_t> source;                             // [N] index of each Gaussian in the original cloud
  Point centre;                                            // of the box, in the original coordinates
  float unit = 1;                                          // original units for each new one
  Point half_sides;                                        // of the box, in new units

  int64_t count() const { return static_cast<int64_t>(opacities.size()); }
  render::CloudView<float> view() const;
  Point to_original(const Point& p) const { return centre + unit * p; }
};

/// The box is Extent::all of the Gaussians whose centres lie in `box`. Left out are faint Gaussians, those outside
/// `box`, and those well outside the found box. Throws UserError if nothing is left.
NormalisedCloud normalise(const render::CloudView<float>& cloud, const std::optional<Box>& box);

}  // namespace lucid::mesh
