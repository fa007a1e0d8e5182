// SPDX-License-Identifier: Apache-2.0
// Helpers of this folder's tests: golden scenes as clouds, their pictures, PSNR, and bytes as files.
#pragma once

#include <gtest/gtest.h>

#include <fstream>

#include "goldens.h"
#include "lucid/gaussians/view_renderer.h"
#include "lucid/render/golden_scene_test.h"

namespace lucid::asset::test {

struct GoldenCloud {
  std::string name;
  gaussians::Cloud cloud;
  Camera camera;
  std::array<float, 3> background{};
};

/// The golden scenes of the rasteriser: SH degrees 0 to 3.
inline std::vector<GoldenCloud> golden_clouds() {
  std::vector<GoldenCloud> clouds;
  for (const auto& path : render::test::golden_files()) {
    const auto scene = render::test::scene_of(render::test::GoldenFile(path)).as<float>();
    const int64_t n = scene.count();
    const auto tensor = [](const std::vector<float>& values, at::IntArrayRef shape) {
      return torch::tensor(values).reshape(shape);
    };
    const torch::Tensor sh = tensor(scene.sh, {n, -1, 3});
    clouds.push_back({.name = path.stem().string(),
                      .cloud = {.means = tensor(scene.means, {n, 3}),
                                .sh_dc = sh.narrow(1, 0, 1).contiguous(),
                                .sh_rest = sh.narrow(1, 1, sh.size(1) - 1).contiguous(),
                                .opacity_logits = tensor(scene.opacities, {n, 1}).logit(),
                                .log_scales = tensor(scene.scales, {n, 3}).log(),
                                .quats = tensor(scene.quats, {n, 4})},
                      .camera = scene.camera,
                      .background = scene.background});
  }
  return clouds;
}

/// [3,H,W]
inline torch::Tensor picture(const gaussians::Cloud& cloud, const Camera& camera,
                             const std::array<float, 3>& background = {1, 1, 1}) {
  gaussians::ViewRenderer renderer;
  return renderer.forward(0, gaussians::activate(cloud, {.active_degree = cloud.sh_degree()}), camera, background).rgb;
}

/// Decibels. Values are clamped to [0, 1] before the comparison, as a picture file would be.
inline double psnr(const torch::Tensor& a, const torch::Tensor& b) {
  const double error = (a.clamp(0, 1) - b.clamp(0, 1)).to(torch::kFloat64).square().mean().item<double>();
  return -10 * std::log10(std::max(error, 1e-20));
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

/// A plain write: atomic writes wait for the disk, which is slow for thousands of files.
inline void put_file(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<int64_t>(bytes.size()));
}

}  // namespace lucid::asset::test
