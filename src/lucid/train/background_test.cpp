// SPDX-License-Identifier: Apache-2.0
// The background of pictures on white: its search, and another colour for it.
#include "lucid/train/background.h"

#include <gtest/gtest.h>

namespace lucid::train {
namespace {

/// A grey ring of 20 pixels' diameter on white, with two light dots on it, and a second picture without an object.
torch::Tensor two_pictures() {
  const torch::Tensor at = torch::arange(32) - 15.5;
  const torch::Tensor far = (at.square().view({32, 1}) + at.square().view({1, 32})).sqrt();
  torch::Tensor ring = torch::where((far > 5) & (far < 10), 0.5, 1.0).to(torch::kFloat);
  ring.slice(0, 8, 9).slice(1, 15, 17).fill_(0.9);
  ring.slice(0, 23, 24).slice(1, 15, 17).fill_(0.85);
  return torch::stack({ring.expand({3, 32, 32}), torch::full({3, 32, 32}, 0.95)});
}

TEST(Background, IsWhatIsConnectedWithTheEdge) {
  const Backgrounds found = backgrounds_of(two_pictures(), /*rim=*/1);
  ASSERT_EQ(found.surely.sizes(), torch::IntArrayRef({2, 1, 32, 32}));
  const auto surely = [&](int64_t y, int64_t x) { return found.surely[0][0][y][x].item<bool>(); };
  const auto unsure = [&](int64_t y, int64_t x) { return found.unsure[0][0][y][x].item<bool>(); };
  EXPECT_TRUE(surely(0, 0));
  EXPECT_FALSE(unsure(0, 0));
  EXPECT_FALSE(surely(15, 15)) << "the hole of the ring";
  EXPECT_TRUE(unsure(15, 15)) << "a hole or a white part";
  EXPECT_FALSE(surely(15, 23)) << "the ring";
  EXPECT_FALSE(unsure(15, 23)) << "the ring";
  EXPECT_FALSE(surely(8, 16));
  EXPECT_TRUE(unsure(8, 16)) << "too light to be surely the object";
  EXPECT_FALSE(surely(23, 16));
  EXPECT_FALSE(unsure(23, 16)) << "a shaded white part";
  EXPECT_TRUE(unsure(15, 25)) << "the rim, inside";
  EXPECT_TRUE(unsure(15, 26)) << "the rim, outside";
  EXPECT_FALSE(unsure(15, 27));
  EXPECT_TRUE(found.surely[1].all().item<bool>()) << "noise on white";
  EXPECT_FALSE(found.unsure[1].any().item<bool>());
}

TEST(Background, TakesAnotherColour) {
  const torch::Tensor pictures = two_pictures();
  const Backgrounds found = backgrounds_of(pictures, 1);
  const std::array<float, 3> colour{0.1F, 0.2F, 0.9F};
  const torch::Tensor blue = on_colour(pictures, found.surely, colour);
  for (int64_t c = 0; c < 3; ++c) {
    EXPECT_EQ(blue[0][c][0][0].item<float>(), colour[static_cast<size_t>(c)]);
    EXPECT_EQ(blue[0][c][15][15].item<float>(), 1) << "the hole keeps its white";
    EXPECT_EQ(blue[0][c][15][23].item<float>(), 0.5);
  }
}

}  // namespace
}  // namespace lucid::train
