// SPDX-License-Identifier: Apache-2.0
// fit_picture: fits Gaussians to an image with lucid::render alone, by gradient descent with Adam.
// Usage: fit_picture in.ppm out.ppm [gaussians] [steps] (ASCII PPM files, P3).
#include <lucid/render/rasterize.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <random>

struct Parameter {  // one parameter array with its gradient and Adam's two moments
  std::vector<float> value, gradient, first, second;
  Parameter(size_t n, float v) : value(n, v), gradient(n), first(n), second(n) {}
  void step(int t, double rate) {
    for (size_t i = 0; i < value.size(); ++i) {
      first[i] = 0.9f * first[i] + 0.1f * gradient[i];
      second[i] = 0.99f * second[i] + 0.01f * gradient[i] * gradient[i];
      const double root = std::sqrt(second[i] / (1 - std::pow(0.99, t))) + 1e-12;
      value[i] -= float(rate * first[i] / (1 - std::pow(0.9, t)) / root);
    }
  }
};
int main(int argc, char** argv) {
  std::ifstream in(argc > 2 ? argv[1] : "");
  std::string magic;
  int w = 0, h = 0, peak = 0;
  if (!(in >> magic >> w >> h >> peak) || magic != "P3") return std::cerr << "fit_picture in.ppm out.ppm\n", 2;
  const size_t pixels = size_t(w) * size_t(h), n = argc > 3 ? std::stoul(argv[3]) : 2000;
  const int steps = argc > 4 ? std::stoi(argv[4]) : 500;
  std::vector<float> target(3 * pixels), image(3 * pixels), d_image(3 * pixels), scales(3 * n), opacities(n);
  const auto planar = [&](size_t i) { return i % 3 * pixels + i / 3; };  // index in planes; PPM interleaves channels
  for (size_t i = 0; i < 3 * pixels; ++i) in >> target[planar(i)], target[planar(i)] /= float(peak);
  const lucid::Camera camera{{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, 1, double(h) / w, w, h};
  Parameter means(3 * n, 1), quats(4 * n, 0.5f), logits(n, -1), sh(3 * n, 0), logs(3 * n, -0.5f * std::log(float(n)));
  std::mt19937 random(0);
  std::uniform_real_distribution<float> unit(-1, 1);
  for (size_t i = 0; i < n; ++i) means.value[3 * i] = unit(random), means.value[3 * i + 1] = unit(random);  // z = 1
  lucid::render::CpuRasterizer rasterizer;
  for (int t = 1; t <= steps; ++t) {
    std::ranges::transform(logs.value, scales.begin(), [](float v) { return std::exp(v); });
    std::ranges::transform(logits.value, opacities.begin(), [](float v) { return 1 / (1 + std::exp(-v)); });
    const lucid::render::CloudView<float> cloud{
        int64_t(n), 0, means.value.data(), scales.data(), quats.value.data(), opacities.data(), sh.value.data()};
    rasterizer.forward(0, cloud, camera, {0, 0, 0}, {.rgb = image.data()});
    double loss = 0;
    for (size_t i = 0; i < 3 * pixels; ++i) loss += std::pow(d_image[i] = image[i] - target[i], 2);
    rasterizer.backward(0, cloud, {.rgb = d_image.data()},
                        {means.gradient.data(), logs.gradient.data(), quats.gradient.data(), logits.gradient.data(),
                         sh.gradient.data()});
    for (size_t i = 0; i < 3 * n; ++i) logs.gradient[i] *= scales[i];
    for (size_t i = 0; i < n; ++i) logits.gradient[i] *= opacities[i] * (1 - opacities[i]);
    means.step(t, 0.003), logs.step(t, 0.02), quats.step(t, 0.01), logits.step(t, 0.05), sh.step(t, 0.05);
    if (t % 50 == 0) std::cout << "after " << t << ": " << -10 * std::log10(loss / double(3 * pixels)) << " dB\n";
  }
  std::ofstream out(argv[2]);
  out << "P3\n" << w << " " << h << "\n255\n";
  for (size_t i = 0; i < 3 * pixels; ++i) out << std::lround(255 * std::clamp(image[planar(i)], 0.0f, 1.0f)) << "\n";
  return out.flush() ? 0 : 1;
}
