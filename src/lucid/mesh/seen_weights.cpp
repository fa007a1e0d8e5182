// SPDX-License-Identifier: Apache-2.0
// Blending weights by the rasteriser's backward pass: a colour's gradient is the sum of its weights.
#include "lucid/mesh/seen_weights.h"

#include <algorithm>

#include "lucid/math/sh.h"

namespace lucid::mesh {

WeightSums::WeightSums(const render::CloudView<float>& cloud) : cloud_(cloud) {
  // One constant colour above 0, which the clamp at 0 leaves alone: rgb = sum of w * (Y0 * sh + 0.5).
  sh_.assign(3 * static_cast<size_t>(cloud.count), 1.0f);
  cloud_.sh = sh_.data();
  cloud_.sh_degree = 0;
}

const std::vector<float>& WeightSums::render(const Camera& camera) {
  const size_t pixels = static_cast<size_t>(camera.width) * static_cast<size_t>(camera.height);
  rgb_.resize(3 * pixels);
  alpha_.resize(pixels);
  rasterizer_.forward(0, cloud_, camera, {0, 0, 0}, {.rgb = rgb_.data(), .alpha = alpha_.data()});
  return alpha_;
}

std::vector<float> WeightSums::sums(const std::vector<float>& planes) {
  std::vector<float> d_sh(3 * static_cast<size_t>(cloud_.count));
  rasterizer_.backward(0, cloud_, {.rgb = planes.data()}, {.sh = d_sh.data()});
  for (float& sum : d_sh) sum /= static_cast<float>(kSh0);
  return d_sh;
}

std::vector<float> seen_weights(const render::CloudView<float>& cloud, const std::vector<Camera>& cameras) {
  WeightSums weights(cloud);
  std::vector<float> greatest(static_cast<size_t>(cloud.count)), planes;
  for (const Camera& camera : cameras) {
    const size_t pixels = weights.render(camera).size();
    planes.assign(3 * pixels, 0);
    std::fill_n(planes.begin(), pixels, 1.0f);  // the red channel alone
    const std::vector<float> sums = weights.sums(planes);
    for (size_t i = 0; i < greatest.size(); ++i) greatest[i] = std::max(greatest[i], sums[3 * i]);
  }
  return greatest;
}

}  // namespace lucid::mesh
