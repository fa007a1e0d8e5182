// SPDX-License-Identifier: Apache-2.0
// Camera poses and lights of a corpus's pictures, and rendering of one picture.
#pragma once

#include <vector>

#include "lucid/base/rng.h"
#include "lucid/corpus/raster.h"
#include "lucid/corpus/shards.h"

namespace lucid::corpus {

inline constexpr double kDistance = 3.2;      // of the camera from the origin
inline constexpr double kFieldOfView = 0.68;  // radians; at kDistance it just holds the unit sphere

/// Pose and light of one picture. Degrees; azimuth in [-180, 180).
struct Shot {
  double azimuth = 0, elevation = 0;
  Light light{};
};

/// `count` random views: one azimuth per sector of 360/count degrees, elevations from -5 to 45 and for 12 % of the
/// views from 45 to 60. The light is near the camera, somewhat above it.
std::vector<Shot> random_shots(int64_t count, Rng& rng);

/// `count` groups of kGroupViews views, one after the other. A group's elevation and light are drawn as those of a
/// random view. The light turns with the camera, as it does between single views: under one that stands still, a side
/// of every object would be dark, and be taken for its colour.
std::vector<Shot> grouped_shots(int64_t count, Rng& rng);

/// `count` views at equal steps of azimuth and one elevation, with flat light or a fixed directional light.
std::vector<Shot> even_shots(int64_t count, double elevation, bool flat_light);

/// Buffers of n pictures of S x S pixels; planar, 8 bits.
struct Pictures {
  int size = 0;
  std::vector<uint8_t> rgb;    // [n,3,S,S]
  std::vector<uint8_t> alpha;  // [n,S,S]
  Pictures() = default;
  Pictures(int size, size_t count)
      : size(size),
        rgb(3 * count * static_cast<size_t>(size * size)),
        alpha(count * static_cast<size_t>(size * size)) {}
};

/// Renders `shot` into picture `index` of `pictures`.
void render_shot(Renderer& renderer, const Mesh& mesh, const Shot& shot, size_t index, Pictures& pictures);

}  // namespace lucid::corpus
