// SPDX-License-Identifier: Apache-2.0
// Pictures of a Gaussian cloud from all around: what a mesh's outline and colours are fitted to.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {

/// One rendered view over black, so that a pixel's own colour is rgb / alpha.
struct CloudPicture {
  Camera camera;
  std::vector<float> rgb;    // [3,H,W] sum of w * colour (w: blending weights); display values
  std::vector<float> alpha;  // [H,W] sum of w
  std::vector<float> depth;  // [H,W] sum of w * camera z
};

/// `count` cameras that look at the origin from a Fibonacci sphere of the given radius. `phase` in [0, 1) turns the
/// spiral; pictures for judging use another phase than those for fitting.
std::vector<Camera> cameras_around(int count, double radius, double fovy, int size, double phase);

/// Renders all cameras. The cloud lies around the origin and fits the cameras.
std::vector<CloudPicture> render_pictures(const render::CloudView<float>& cloud, const std::vector<Camera>& cameras);

/// A picture's value over white, clamped to [0, 1]. `i` is an index of rgb: [3,H,W].
float over_white(const CloudPicture& picture, size_t i);

/// Squared differences of values in [0, 1].
struct SquaredErrors {
  double sum = 0;
  int64_t count = 0;

  void add(double difference) {
    sum += difference * difference;
    ++count;
  }
  double psnr() const;  // dB; infinite without any error
};

/// PSNR in dB over white, values clamped to [0, 1], all views together. The pictures have the same cameras. Infinite if
/// they are equal.
double psnr(const std::vector<CloudPicture>& a, const std::vector<CloudPicture>& b);

}  // namespace lucid::mesh
