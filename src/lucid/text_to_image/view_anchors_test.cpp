// SPDX-License-Identifier: Apache-2.0
// Tests of view_anchors.h: interpolation weights in azimuth and elevation, and invalid views.json files.
#include "lucid/text_to_image/view_anchors.h"

#include <gtest/gtest.h>

#include <map>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/text_to_image/view_prompts.h"

namespace lucid::text_to_image {
namespace {

/// Eight around, two above.
ViewAnchors ten() {
  std::vector<ViewAnchor> anchors;
  for (int i = 0; i < 8; ++i) anchors.push_back({45.0 * i, 0, fmt::format("{}", 45 * i)});
  anchors.push_back({0, 60, "front above"});
  anchors.push_back({180, 60, "back above"});
  return ViewAnchors(anchors);
}

std::map<std::string, double> words(const ViewAnchors& anchors, double azimuth, double elevation) {
  std::map<std::string, double> result;
  for (const auto& [anchor, weight] : anchors.mix(azimuth, elevation))
    result[anchors.anchors()[anchor].words] += weight;
  return result;
}

using Weights = std::map<std::string, double>;

TEST(ViewAnchors, AnAnchorsOwnDirectionIsItsWordsAlone) {
  const ViewAnchors anchors = ten();
  for (const ViewAnchor& anchor : anchors.anchors()) {
    EXPECT_EQ(words(anchors, anchor.azimuth, anchor.elevation), (Weights{{anchor.words, 1}}));
    EXPECT_EQ(words(anchors, anchor.azimuth - 360, anchor.elevation), (Weights{{anchor.words, 1}}));
  }
}

TEST(ViewAnchors, BetweenAnchorsTheMixIsBilinear) {
  EXPECT_EQ(words(ten(), 56.25, -20), (Weights{{"45", 0.75}, {"90", 0.25}}));  // below the lowest ring
  EXPECT_EQ(words(ten(), -11.25, 0), (Weights{{"0", 0.75}, {"315", 0.25}}));   // across the front
  EXPECT_EQ(words(ten(), -157.5, 0), (Weights{{"180", 0.5}, {"225", 0.5}}));   // across the back
  EXPECT_EQ(words(ten(), 90, 30), (Weights{{"90", 0.5}, {"front above", 0.25}, {"back above", 0.25}}));
  EXPECT_EQ(words(ten(), 45, 80), (Weights{{"front above", 0.75}, {"back above", 0.25}}));  // above the highest ring
}

TEST(ViewAnchors, WeightsOfABatchAddUpToOne) {
  const torch::Tensor weights = ten().weights({0, 33, -178, 720}, {0, 20, 59, -5});
  EXPECT_EQ(weights.sizes(), (std::vector<int64_t>{4, 10}));
  EXPECT_TRUE(torch::allclose(weights.sum(1), torch::ones(4)));
}

TEST(ViewAnchors, BadTablesAreNamed) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "views.json";
  for (const char* text :
       {"{", "[]", "{}", R"({"anchors":3})", R"({"anchors":[]})", R"({"anchors":[{"azimuth":0,"elevation":0}]})",
        R"({"anchors":[{"azimuth":0,"elevation":91,"words":"x"}]})",
        R"({"anchors":[{"azimuth":0,"elevation":0,"words":"x"},{"azimuth":360,"elevation":0,"words":"y"}]})"}) {
    SCOPED_TRACE(text);
    write_file(file, text);
    try {
      ViewAnchors::read(file);
      ADD_FAILURE() << "was accepted";
    } catch (const UserError& error) {
      EXPECT_EQ(error.mistake().file, file.string());
    }
  }
  write_file(file, R"({"anchors":[{"azimuth":0,"elevation":0,"words":", front view"}]})");
  EXPECT_EQ(ViewAnchors::of_prior(folder.path).anchors().size(), 1u);
  std::filesystem::remove(file);
  EXPECT_EQ(ViewAnchors::of_prior(folder.path).anchors().size(), 4u);
}

}  // namespace
}  // namespace lucid::text_to_image
