// SPDX-License-Identifier: Apache-2.0
// Where geometry from a file stands: its rotation, the ball that it is fitted into, its scale.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "lucid/asset/formats.h"
#include "lucid/gaussians/start_options.h"
#include "lucid/math/vec.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::start {

/// init_rotate: the axes of the file, or a rotation after its format's own axes were turned to lucid's.
struct Turn {
  std::optional<asset::Axes> axes = {};
  Mat3<double> rotation{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  bool is_identity = true;  // of `rotation`
};
/// About x first, then y, then z, in degrees.
Mat3<double> rotation_of_angles(const std::array<double, 3>& degrees);

/// "y-up", or "X,Y,Z" in degrees: about x first, then y, then z, counter-clockwise seen from the axis' tip. Throws
/// UserError.
Turn parse_turn(const std::string& text);

/// A movement p -> scale (p - centre).
struct Fit {
  mesh::Point centre{};
  double scale = 1;
  mesh::Point operator()(const mesh::Point& p) const {
    const auto moved = [this](float x, float c) { return static_cast<float>(scale * (double{x} - c)); };
    return {moved(p.x, centre.x), moved(p.y, centre.y), moved(p.z, centre.z)};
  }
};
/// The movement that centres the points' box and takes them into the ball of options.radius, times options.file_scale;
/// without `fitted` the scale alone. `stray` of 1000 points at each side of the box, and of all farthest from its
/// centre, may lie outside (for scans). The points must not be empty; equal points are not scaled.
Fit fit_of(const std::vector<mesh::Point>& points, const gaussians::StartOptions& options, bool fitted,
           double stray = 0);

}  // namespace lucid::start
