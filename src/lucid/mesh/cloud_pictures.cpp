// SPDX-License-Identifier: Apache-2.0
// Cameras on a Fibonacci sphere, and the cloud rendered from them.
#include "lucid/mesh/cloud_pictures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "lucid/base/error.h"
#include "lucid/camera/sampler.h"

namespace lucid::mesh {

std::vector<Camera> cameras_around(int count, double radius, double fovy, int size, double phase) {
  constexpr double kGoldenAngle = 2.399963229728653;  // pi (3 - sqrt 5)
  std::vector<Camera> cameras;
  for (int i = 0; i < count; ++i) {
    const double z = 1 - 2 * (i + 0.5) / count;  // equal areas
    const double azimuth = kGoldenAngle * i + 2 * std::numbers::pi * phase;
    const double degrees = 180 / std::numbers::pi;
    cameras.push_back(orbit_camera(std::acos(z) * degrees, azimuth * degrees, radius, fovy, size, size));
  }
  return cameras;
}

std::vector<CloudPicture> render_pictures(const render::CloudView<float>& cloud, const std::vector<Camera>& cameras) {
  constexpr size_t kAtOnce = 8;  // views whose state the rasteriser keeps at the same time
  std::vector<CloudPicture> pictures(cameras.size());
  render::CpuRasterizer rasterizer;
  for (size_t begin = 0; begin < cameras.size(); begin += kAtOnce) {
    std::vector<render::ViewJob> jobs;
    for (size_t i = begin; i < std::min(begin + kAtOnce, cameras.size()); ++i) {
      CloudPicture& picture = pictures[i];
      picture.camera = cameras[i];
      const size_t pixels = static_cast<size_t>(cameras[i].width) * static_cast<size_t>(cameras[i].height);
      picture.rgb.resize(3 * pixels);
      picture.alpha.resize(pixels);
      picture.depth.resize(pixels);
      jobs.push_back(
          {.frame = static_cast<int>(i - begin),
           .camera = cameras[i],
           .out = {.rgb = picture.rgb.data(), .depth = picture.depth.data(), .alpha = picture.alpha.data()}});
    }
    rasterizer.forward(cloud, jobs, {0, 0, 0});
  }
  return pictures;
}

float over_white(const CloudPicture& picture, size_t i) {
  return std::clamp(picture.rgb[i] + 1 - picture.alpha[i % picture.alpha.size()], 0.0f, 1.0f);
}

double SquaredErrors::psnr() const {
  return sum > 0 ? -10 * std::log10(sum / static_cast<double>(count)) : std::numeric_limits<double>::infinity();
}

double psnr(const std::vector<CloudPicture>& a, const std::vector<CloudPicture>& b) {
  LUCID_CHECK(a.size() == b.size(), "{} pictures, and {}", a.size(), b.size());
  SquaredErrors errors;
  for (size_t i = 0; i < a.size(); ++i) {
    LUCID_CHECK(a[i].rgb.size() == b[i].rgb.size(), "picture {}: {} values, and {}", i, a[i].rgb.size(),
                b[i].rgb.size());
    for (size_t k = 0; k < a[i].rgb.size(); ++k) errors.add(over_white(a[i], k) - over_white(b[i], k));
  }
  return errors.psnr();
}

}  // namespace lucid::mesh
