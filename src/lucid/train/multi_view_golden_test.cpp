// SPDX-License-Identifier: Apache-2.0
// The cameras of MVDream, from lucid's own orbit, against the original's.
#include <gtest/gtest.h>

#include "lucid/camera/multi_view.h"
#include "lucid/weights/state_dict.h"
#include "multi_view_prior.h"

namespace lucid {
namespace {

TEST(MultiViewCameraGolden, OrbitCamerasAreMvdreams) {
  const auto golden = weights::read_safetensors(lucid::test::multi_view_goldens() / "cameras.safetensors").tensors;
  const auto number = [&](const char* name, int64_t i) { return golden.at(name)[i].item<double>(); };
  const int64_t count = golden.at("theta").size(0);
  ASSERT_GT(count, 0);
  for (int64_t i = 0; i < count; ++i) {
    const double theta = number("theta", i), phi = number("phi", i);
    const Camera camera = orbit_camera(theta, phi, number("radius", i), 0.5, 64, 64);
    for (const double front : {0.0, 35.0}) {
      // The front turned away, and the camera with it: the same to the network.
      const auto found = multi_view_camera(orbit_camera(theta, phi + front, number("radius", i), 0.5, 64, 64), front);
      for (int64_t k = 0; k < 16; ++k)
        EXPECT_NEAR(found[static_cast<size_t>(k)], golden.at("camera")[i][k].item<double>(), 1e-6) << i << ' ' << k;
    }
    for (int64_t k = 0; k < 16; ++k)
      EXPECT_NEAR(camera.camera_from_world[static_cast<size_t>(k)],
                  golden.at("camera_from_world")[i].flatten()[k].item<double>(), 2e-6);
  }
}

}  // namespace
}  // namespace lucid
