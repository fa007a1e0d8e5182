// SPDX-License-Identifier: Apache-2.0
// Where the cameras of a corpus stand, and the light of each picture.
#pragma once

#include <vector>

#include "lucid/base/rng.h"
#include "lucid/corpus/raster.h"

namespace lucid::corpus {

inline constexpr double kDistance = 3.2;      // of the camera from the centre of a sphere of radius 1 …
inline constexpr double kFieldOfView = 0.68;  // … which this field of view, radians, just holds

/// One picture to take. Degrees; azimuth in [-180, 180).
struct Shot {
  double azimuth = 0, elevation = 0;
  Light light{};
};

/// `count` views: azimuths one in each of `count` equal sectors, elevations -5 to 45 and now and then up to 60, the
/// light near the camera and a little above it.
std::vector<Shot> random_shots(int64_t count, Rng& rng);

/// `count` views evenly around at `elevation`, flat light or the usual one without its randomness.
std::vector<Shot> even_shots(int64_t count, double elevation, bool flat_light);

/// shots.size() pictures of a mesh; planar, 8 bits.
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

/// Takes shot `index` into its place in `pictures`.
void render_shot(Renderer& renderer, const Mesh& mesh, const Shot& shot, size_t index, Pictures& pictures);

}  // namespace lucid::corpus
