// SPDX-License-Identifier: Apache-2.0
// Blending weights by the rasteriser's backward pass: a colour's gradient is the sum of its weights.
#include "lucid/mesh/seen_weights.h"

#include <algorithm>

#include "lucid/math/sh.h"

namespace lucid::mesh {

std::vector<float> seen_weights(const render::CloudView<float>& cloud, const std::vector<Camera>& cameras) {
  const auto n = static_cast<size_t>(cloud.count);
  // One constant colour above 0, which the clamp at 0 leaves alone: rgb = sum of w * (Y0 * sh + 0.5).
  const std::vector<float> sh(3 * n, 1.0f);
  render::CloudView<float> plain = cloud;
  plain.sh = sh.data();
  plain.sh_degree = 0;
  std::vector<float> greatest(n), d_sh(3 * n), rgb, d_rgb;
  render::CpuRasterizer rasterizer;
  for (const Camera& camera : cameras) {
    const size_t pixels = static_cast<size_t>(camera.width) * static_cast<size_t>(camera.height);
    rgb.resize(3 * pixels);
    d_rgb.assign(3 * pixels, 0);
    std::fill_n(d_rgb.begin(), pixels, static_cast<float>(1 / kSh0));  // of the red channel alone
    rasterizer.forward(0, plain, camera, {0, 0, 0}, {.rgb = rgb.data()});
    rasterizer.backward(0, plain, {.rgb = d_rgb.data()}, {.sh = d_sh.data()});
    for (size_t i = 0; i < n; ++i) greatest[i] = std::max(greatest[i], d_sh[3 * i]);
  }
  return greatest;
}

}  // namespace lucid::mesh
