// SPDX-License-Identifier: Apache-2.0
// How much of each Gaussian pictures show: what no view sees can be left out of a file.
#pragma once

#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {

/// Sums over a picture's pixels of each Gaussian's blending weights w, by the rasteriser's backward pass. Holds a view
/// of the cloud.
class WeightSums {
 public:
  explicit WeightSums(const render::CloudView<float>& cloud);
  /// Renders a camera's view: its alpha, [H,W].
  const std::vector<float>& render(const Camera& camera);
  /// Sums of w times each of three planes [3,H,W] over the pixels of the view rendered last: [N,3].
  std::vector<float> sums(const std::vector<float>& planes);

 private:
  render::CloudView<float> cloud_;  // in one colour
  std::vector<float> sh_, rgb_, alpha_;
  render::CpuRasterizer rasterizer_;
};

/// For each Gaussian, the greatest over the cameras of the sum of its blending weights over a picture's pixels. [N]
std::vector<float> seen_weights(const render::CloudView<float>& cloud, const std::vector<Camera>& cameras);

}  // namespace lucid::mesh
