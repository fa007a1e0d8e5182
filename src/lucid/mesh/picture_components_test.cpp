// SPDX-License-Identifier: Apache-2.0
// Components of small pictures drawn with characters.
#include "lucid/mesh/picture_components.h"

#include <gtest/gtest.h>

#include <string>

namespace lucid::mesh {
namespace {

/// '#' is alpha 1, '+' 0.1, anything else 0. `rows` have equal lengths.
PictureComponents components_of(const std::vector<std::string>& rows, float threshold) {
  std::vector<float> alpha;
  for (const std::string& row : rows) {
    for (const char c : row) alpha.push_back(c == '#' ? 1.0f : c == '+' ? 0.1f : 0.0f);
  }
  return picture_components(alpha.data(), static_cast<int>(rows[0].size()), static_cast<int>(rows.size()), threshold);
}

TEST(PictureComponents, DiagonalNeighboursAreConnectedAndOppositeBordersAreNot) {
  const PictureComponents found = components_of({"#...#", "....#", "...#.", "..#..", "##..."}, 0.5f);
  ASSERT_EQ(found.pixels, (std::vector<int64_t>{1, 6}));
  EXPECT_EQ(found.largest, 1);
  EXPECT_EQ(found.label[0], 0);
  EXPECT_EQ(found.label[1], -1);
  EXPECT_EQ(found.label[4], 1);
  EXPECT_EQ(found.label[20], 1);
}

TEST(PictureComponents, ArmsThatMeetBelowAreOne) {
  const PictureComponents found = components_of({"#.#.#", "#.#.#", "#####"}, 0.5f);
  EXPECT_EQ(found.pixels, (std::vector<int64_t>{9 + 2}));
}

TEST(PictureComponents, TheThresholdDecidesWhatConnects) {
  const std::vector<std::string> rows = {"##+++#"};
  EXPECT_EQ(components_of(rows, 0.05f).pixels, (std::vector<int64_t>{6}));
  EXPECT_EQ(components_of(rows, 0.5f).pixels, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(components_of({"+++"}, 0.5f).largest, -1);
}

}  // namespace
}  // namespace lucid::mesh
