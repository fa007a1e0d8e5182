// SPDX-License-Identifier: Apache-2.0
// Tests of captions: lines fit the width, the text is inside its band and readable on any background.
#include "lucid/asset/pictures/caption.h"

#include <gtest/gtest.h>

namespace lucid::asset {
namespace {

/// The band of a caption on white. [3,h,width]
torch::Tensor band_of(const std::string& text, int width, const Background& background = {}) {
  const std::vector<std::string> lines = caption_lines(text, width);
  return caption_band(lines, lines.size(), width, background);
}

double ink_in(const torch::Tensor& band) { return (1 - band).sum().item<double>(); }

TEST(Caption, LinesBreakAtSpacesAndEndAfterThree) {
  EXPECT_EQ(caption_lines("a red car", 512), (std::vector<std::string>{"a red car"}));
  EXPECT_TRUE(caption_lines("", 512).empty());
  EXPECT_TRUE(caption_lines("   ", 512).empty());
  const std::vector<std::string> two = caption_lines("a highly detailed stone bust of Theodoros Kolokotronis", 256);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0] + " " + two[1], "a highly detailed stone bust of Theodoros Kolokotronis");
  std::string endless = "word";
  for (int i = 0; i < 100; ++i) endless += " word";
  const std::vector<std::string> cut = caption_lines(endless, 128);
  ASSERT_EQ(cut.size(), 3u);
  EXPECT_TRUE(cut.back().ends_with("...")) << cut.back();
  EXPECT_EQ(caption_lines(std::string(300, 'x'), 128).size(), 3u) << "a long word is cut";
  EXPECT_FALSE(caption_lines("a long caption under a very small picture", 1).empty());
}

TEST(Caption, CharactersThatTheFontLacksBecomeQuestionMarks) {
  EXPECT_EQ(caption_lines("caf\xC3\xA9 \xE6\xA4\x85\t\x01x", 512), (std::vector<std::string>{"caf? ? ?x"}));
  EXPECT_GT(ink_in(band_of("\xFF\xFE", 128)), 0);
}

TEST(Caption, TextIsInsideItsBandAndCentred) {
  for (const int width : {24, 100, 512, 2048, 9000}) {
    const torch::Tensor band = band_of("a chair, its legs are gjpqy", width);
    ASSERT_EQ(band.size(1), caption_height(caption_lines("a chair, its legs are gjpqy", width).size(), width));
    ASSERT_EQ(band.size(2), width);
    EXPECT_GT(ink_in(band), 20) << width;
    EXPECT_EQ(ink_in(band.narrow(1, 0, 1)), 0) << width;
    EXPECT_EQ(ink_in(band.narrow(1, band.size(1) - 1, 1)), 0) << width;
    const torch::Tensor columns = (1 - band).sum(torch::IntArrayRef({0, 1})).nonzero();  // [columns with ink,1]
    const int64_t left = columns.min().item<int64_t>(), right = columns.max().item<int64_t>();
    EXPECT_NEAR(static_cast<double>(left), static_cast<double>(width - 1 - right), 0.06 * width + 3) << width;
  }
}

TEST(Caption, ThinStrokesAreDarkAndEdgesAreSmooth) {
  const torch::Tensor band = band_of("IHL chair", 300);
  EXPECT_LT(band.min().item<float>(), 0.05f);
  EXPECT_GE(band_of("the quick brown fox jumps over the lazy dog 0123456789 @#$%&", 700).min().item<float>(), 0.0f);
  const torch::Tensor grey = (band > 0.1) & (band < 0.9);
  EXPECT_GT(grey.sum().item<int64_t>(), 0);
  EXPECT_NE(ink_in(band_of("chair", 300)), ink_in(band_of("glass", 300)));
}

TEST(Caption, ColoursFollowTheBackground) {
  const torch::Tensor on_black = band_of("chair", 200, {.rgb = {0, 0, 0}});
  EXPECT_LT((on_black - (1 - band_of("chair", 200))).abs().max().item<double>(), 1e-6);
  const torch::Tensor on_yellow = band_of("chair", 200, {.rgb = {1, 1, 0}});
  EXPECT_EQ(on_yellow[2].max().item<float>(), 0);
  EXPECT_EQ(on_yellow[0].max().item<float>(), 1);
  EXPECT_LT(on_yellow[0].min().item<float>(), 0.1f);
  const torch::Tensor clear = band_of("chair", 200, {.transparent = true});
  ASSERT_EQ(clear.size(0), 4);
  EXPECT_EQ(clear[3][0].max().item<float>(), 0);
  EXPECT_LT((clear[3] - (1 - band_of("chair", 200)[0])).abs().max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace lucid::asset
