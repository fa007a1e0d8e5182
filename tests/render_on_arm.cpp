// SPDX-License-Identifier: Apache-2.0
// Test of the tiled CPU rasteriser on 64-bit ARM: compares it with the reference on one random scene. Without a test
// library, because tools/check_arm.sh cross-compiles it.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "lucid/base/rng.h"
#include "lucid/render/rasterize.h"

namespace {

using namespace lucid;
using namespace lucid::render;

constexpr int kWidth = 67, kHeight = 53, kCount = 400;
constexpr size_t kPixels = size_t(kWidth) * kHeight;
constexpr float kImageLimit = 2e-4F,
                kGradientLimit = 2e-3F;  // relative to the largest value; see hostile_scenes_test.h

struct Passes {
  std::vector<float> images = std::vector<float>(5 * kPixels), gradients = std::vector<float>(14 * size_t(kCount));
  Images<float> out() { return {images.data(), images.data() + 3 * kPixels, images.data() + 4 * kPixels}; }
  CloudGradients<float> d_cloud() {
    float* g = gradients.data();
    return {g, g + 3 * kCount, g + 6 * kCount, g + 10 * kCount, g + 11 * kCount, nullptr};
  }
};

float error_of(const std::vector<float>& found, const std::vector<float>& wanted) {
  float most = 0, largest = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    most = std::max(most, std::isfinite(found[i]) ? std::abs(found[i] - wanted[i]) : INFINITY);
    largest = std::max(largest, std::abs(wanted[i]));
  }
  return most / largest;
}

}  // namespace

int main() {
  Rng rng(1, "arm");
  const auto draw = [&](size_t count, double low, double high) {
    std::vector<float> values(count);
    for (float& value : values) value = float(rng.uniform(low, high));
    return values;
  };
  std::vector<float> means = draw(3 * kCount, -1, 1);
  for (int i = 0; i < kCount; ++i) means[size_t(3 * i + 2)] += 2;
  const std::vector<float> scales = draw(3 * kCount, 0.02, 0.12), quats = draw(4 * kCount, -1, 1);
  const std::vector<float> opacities = draw(kCount, 0.05, 0.95), sh = draw(3 * kCount, -1, 1);
  const std::vector<float> d = draw(5 * kPixels, -1, 1);
  const CloudView<float> cloud{kCount, 0, means.data(), scales.data(), quats.data(), opacities.data(), sh.data()};
  const ImageGradients<float> d_images{d.data(), d.data() + 3 * kPixels, d.data() + 4 * kPixels};
  const Camera camera{{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, 0.6, 0.6 * kHeight / kWidth, kWidth, kHeight};

  Passes found, wanted;
  CpuRasterizer rasterizer;
  rasterizer.forward(0, cloud, camera, {1, 1, 1}, found.out());
  rasterizer.backward(0, cloud, d_images, found.d_cloud());
  reference::forward<float>(cloud, camera, {1, 1, 1}, wanted.out());
  reference::backward<float>(cloud, camera, {1, 1, 1}, d_images, wanted.d_cloud());
  const float images = error_of(found.images, wanted.images), gradients = error_of(found.gradients, wanted.gradients);
  std::printf("%s: largest error of images %.1e, of gradients %.1e (relative)\n", cpu_isa(), images, gradients);
  return images <= kImageLimit && gradients <= kGradientLimit ? 0 : 1;
}
