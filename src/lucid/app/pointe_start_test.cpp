// SPDX-License-Identifier: Apache-2.0
// The Gaussians at Point-E's points: places, sizes, colours.
#include "lucid/app/pointe_start.h"

#include <gtest/gtest.h>

#include "lucid/gaussians/starts.h"
#include "lucid/math/sh.h"
#include "lucid/pointe/grow.h"

namespace lucid::app {
namespace {

pointe::PointCloud some_points() {
  torch::manual_seed(5);
  return {.xyz = torch::rand({200, 3}) - 0.5, .rgb = torch::rand({200, 3})};
}

TEST(PointeStart, PlacesScaleWithTheRadiusAndSizesFitThem) {
  const pointe::PointCloud points = some_points();
  RunOptions options;
  options.train.start.radius = 0.5;
  options.train.start.opacity = 0.3;
  const gaussians::Cloud plain = gaussians_at(points, options);
  EXPECT_TRUE(plain.means.allclose(pointe::to_world(points.xyz)));
  EXPECT_TRUE(plain.log_scales.equal(gaussians::nearest_neighbour_log_scales(plain.means)));
  EXPECT_TRUE(torch::sigmoid(plain.opacity_logits).allclose(torch::full({200, 1}, 0.3)));
  options.train.start.radius = 1;
  EXPECT_TRUE(gaussians_at(points, options).means.allclose(2 * plain.means));
}

TEST(PointeStart, ColoursAreGreyUnlessAsked) {
  const pointe::PointCloud points = some_points();
  RunOptions options;
  options.train.start.sh_degree = 1;
  const gaussians::Cloud grey = gaussians_at(points, options);
  EXPECT_LT(grey.sh_dc.abs().max().item<float>(), 1.0F / 255);
  options.use_pointe_rgb = true;
  const gaussians::Cloud coloured = gaussians_at(points, options);
  EXPECT_TRUE((coloured.sh_dc.squeeze(1) * kSh0 + 0.5).allclose(points.rgb, 1e-5, 1e-6));
  EXPECT_TRUE(coloured.means.equal(grey.means));
  EXPECT_EQ(coloured.sh_rest.sizes(), (std::vector<int64_t>{200, 3, 3}));
  EXPECT_EQ(coloured.sh_rest.abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace lucid::app
