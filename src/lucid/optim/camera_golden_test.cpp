// SPDX-License-Identifier: Apache-2.0
// Golden tests of camera/: poses and projections of the reference's cameras. They are in this folder because camera/
// links no reader of golden files.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "goldens.h"
#include "lucid/camera/sampler.h"
#include "lucid/weights/state_dict.h"

namespace lucid {
namespace {

constexpr double kCameraTolerance = 1e-6;  // the reference computes in float32; relative to each matrix's largest entry

void expect_matrix(const std::array<double, 16>& ours, const double* golden, const std::string& what) {
  double largest = 0;
  for (int i = 0; i < 16; ++i) largest = std::max(largest, std::abs(golden[i]));
  for (int i = 0; i < 16; ++i) EXPECT_NEAR(ours[i], golden[i], kCameraTolerance * largest) << what << " entry " << i;
}

TEST(CameraGolden, OrbitPosesAndProjections) {
  const auto file = weights::read_safetensors(test::goldens() / "reference.safetensors");
  const torch::Tensor rows = file.tensors.at("orbit_cameras").to(torch::kFloat64).contiguous();
  ASSERT_GT(rows.size(0), 0);
  ASSERT_EQ(rows.size(1), 39);
  for (int64_t i = 0; i < rows.size(0); ++i) {
    // theta, phi, radius, fovx, fovy, w, h, camera_from_world, projection
    const double* r = rows[i].data_ptr<double>();
    Camera camera = orbit_camera(r[0], r[1], r[2], r[4], static_cast<int>(r[5]), static_cast<int>(r[6]));
    expect_matrix(camera.camera_from_world, r + 7, "camera_from_world of row " + std::to_string(i));
    // Uses the reference's fovx, which differs from that of square pixels if w != h (see orbit_camera()).
    if (r[5] == r[6]) {
      EXPECT_NEAR(camera.tan_half_fov_x, std::tan(r[3] / 2), kCameraTolerance);
    }
    camera.tan_half_fov_x = std::tan(r[3] / 2);
    expect_matrix(projection_matrix(camera), r + 23, "projection of row " + std::to_string(i));
  }
}

}  // namespace
}  // namespace lucid
