// SPDX-License-Identifier: Apache-2.0
// Golden scenes: the golden files of an independent autograd rasteriser as test scenes with expected images and
// gradients.
#pragma once

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/render/golden_file_test.h"
#include "lucid/render/scene_test.h"

namespace lucid::render::test {

// Tolerances, relative to a tensor's largest value. The reference in double; then forward and backward of the float
// backends, and the fraction of pixels that may exceed the tolerance.
constexpr double kGoldenReference = 1e-9, kGoldenForward = 2e-4, kGoldenBackward = 2e-3, kGoldenExcused = 1e-3;

inline std::vector<std::filesystem::path> golden_files() {
  return lucid::test::golden_files("render", /*committed=*/8);
}

inline Scene<double> scene_of(const GoldenFile& file) {
  Scene<double> s;
  s.sh_degree = std::stoi(file.metadata("sh_degree"));
  s.means = file["means"].values;
  s.scales = file["scales"].values;
  s.quats = file["quats"].values;
  s.opacities = file["opacities"].values;
  s.sh = file["sh"].values;
  std::copy_n(file["camera_from_world"].values.begin(), 16, s.camera.camera_from_world.begin());
  s.camera.tan_half_fov_x = file["tan_half_fov"].values[0];
  s.camera.tan_half_fov_y = file["tan_half_fov"].values[1];
  s.camera.height = int(file["rgb"].shape[1]);
  s.camera.width = int(file["rgb"].shape[2]);
  std::copy_n(file["background"].values.begin(), 3, s.background.begin());
  s.d_rgb = file["d_rgb"].values;
  s.d_depth = file["d_depth"].values;
  s.d_alpha = file["d_alpha"].values;
  return s;
}

struct Tolerance {
  double forward, backward, excused;
};

template <class Real>
void expect_golden(const GoldenFile& file, const Result<Real>& got, const Tolerance& tolerance) {
  expect_close("rgb", got.rgb, file["rgb"].values, tolerance.forward, tolerance.excused);
  expect_close("depth", got.depth, file["depth"].values, tolerance.forward, tolerance.excused);
  expect_close("alpha", got.alpha, file["alpha"].values, tolerance.forward, tolerance.excused);
  expect_close("radii", got.radii, file["radii"].values, 0);
  expect_close("d_means", got.means, file["d_means"].values, tolerance.backward);
  expect_close("d_scales", got.scales, file["d_scales"].values, tolerance.backward);
  expect_close("d_quats", got.quats, file["d_quats"].values, tolerance.backward);
  expect_close("d_opacities", got.opacities, file["d_opacities"].values, tolerance.backward);
  expect_close("d_sh", got.sh, file["d_sh"].values, tolerance.backward);
  expect_close("d_means2d_ndc", got.means2d, file["d_means2d_ndc"].values, tolerance.backward);
}

}  // namespace lucid::render::test
