// SPDX-License-Identifier: Apache-2.0
// Tests of colour naming, recolouring, captions and the model table.
#include "lucid/corpus/colours.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/corpus/captions.h"
#include "lucid/corpus/recolour.h"
#include "lucid/corpus/table.h"
#include "mistakes.h"

namespace lucid::corpus {
namespace {

std::string name_of(int r, int g, int b) {
  const int word =
      colour_word_of({static_cast<float>(r) / 255, static_cast<float>(g) / 255, static_cast<float>(b) / 255});
  return word < 0 ? "" : colour_words()[static_cast<size_t>(word)];
}

TEST(CorpusColours, AreNamedAsPeopleNameThem) {
  const std::vector<std::tuple<std::string, int, int, int>> known = {
      {"red", 255, 0, 0},       {"red", 139, 0, 0},      {"red", 220, 20, 60},    {"orange", 255, 140, 0},
      {"orange", 255, 165, 0},  {"yellow", 255, 255, 0}, {"yellow", 255, 215, 0}, {"green", 0, 128, 0},
      {"green", 0, 255, 0},     {"green", 34, 139, 34},  {"blue", 0, 0, 255},     {"blue", 0, 0, 128},
      {"blue", 30, 144, 255},   {"blue", 135, 206, 235}, {"purple", 128, 0, 128}, {"purple", 138, 43, 226},
      {"pink", 255, 192, 203},  {"pink", 255, 105, 180}, {"brown", 139, 69, 19},  {"brown", 160, 82, 45},
      {"brown", 101, 67, 33},   {"black", 0, 0, 0},      {"black", 25, 25, 28},   {"white", 255, 255, 255},
      {"white", 245, 245, 240}, {"grey", 128, 128, 128}, {"grey", 90, 92, 95}};
  for (const auto& [word, r, g, b] : known) EXPECT_EQ(name_of(r, g, b), word) << r << " " << g << " " << b;
  for (const std::string& word : colour_words()) {
    const Vec3<float> typical = typical_colour(word);
    EXPECT_EQ(colour_words()[static_cast<size_t>(colour_word_of(typical))], word);
  }
}

TEST(CorpusColours, OkLabRoundTrip) {
  for (float r = 0; r <= 1; r += 0.25f) {
    for (float g = 0; g <= 1; g += 0.25f) {
      for (float b = 0; b <= 1; b += 0.25f) {
        const Vec3<float> back = srgb_from_oklab(oklab_from_srgb({r, g, b}));
        EXPECT_NEAR(back.x, r, 1e-3);
        EXPECT_NEAR(back.y, g, 1e-3);
        EXPECT_NEAR(back.z, b, 1e-3);
      }
    }
  }
}

/// One view of `pixels` with these colours, one after the other; the rest is empty.
ColourShares shares_of(const std::vector<std::array<uint8_t, 3>>& pixels, size_t empty) {
  const size_t n = pixels.size() + empty;
  std::vector<uint8_t> rgb(3 * n, 255), alpha(n, 0);
  for (size_t i = 0; i < pixels.size(); ++i) {
    alpha[i] = 255;
    for (size_t c = 0; c < 3; ++c) rgb[c * n + i] = pixels[i][c];
  }
  return measure_colours(rgb, alpha, 1);
}

TEST(CorpusColours, TheDominantOneIsMeasuredWithoutTheGround) {
  const std::array<uint8_t, 3> red{200, 20, 20}, blue{30, 60, 200}, green{20, 140, 40};
  EXPECT_EQ(shares_of({red, red, red, blue}, 100).dominant, "red");
  EXPECT_NEAR(shares_of({red, red, red, blue}, 100).share[0], 0.75, 1e-9);
  EXPECT_EQ(shares_of({red, red, blue, blue, green}, 0).dominant, "");
  EXPECT_EQ(shares_of({}, 10).dominant, "");
  EXPECT_EQ(shares_of({}, 10).largest, -1);
  // Cream has no word, but it can be the largest share, which recolouring replaces.
  const ColourShares cream = shares_of({{240, 230, 190}, {240, 230, 190}, red}, 5);
  EXPECT_EQ(cream.dominant, "");
  EXPECT_EQ(cream.largest, static_cast<int>(colour_words().size()));
  EXPECT_NEAR(cream.mean.back().l, oklab_from_srgb({240 / 255.0f, 230 / 255.0f, 190 / 255.0f}).l, 1e-3);
}

TEST(CorpusColours, RecolouringReachesTheTargetAndLeavesTheRest) {
  Mesh mesh;
  Material plain, other, painted;
  plain.colour = {0.1f, 0.2f, 0.8f};
  other.colour = {0.9f, 0.8f, 0.1f};
  painted.texture = std::make_shared<const Texture>(
      make_texture(2, 1, {26, 51, 204, 255, 230, 204, 26, 255}));  // the same blue, the same yellow
  mesh.materials = {plain, other, painted};
  Rng rng(1, "recolour");
  for (const std::string& target : colour_words()) {
    if (target == "blue") continue;
    const Mesh changed = recoloured(mesh, oklab_from_srgb(plain.colour), colour_near(target, rng));
    const auto word_of = [](const Vec3<float>& colour) {
      const int word = colour_word_of(colour);
      return word < 0 ? "" : colour_words()[static_cast<size_t>(word)];
    };
    EXPECT_EQ(word_of(changed.materials[0].colour), target);
    EXPECT_EQ(changed.materials[1].colour.x, other.colour.x);
    const auto& texels = changed.materials[2].texture->levels[0].rgba;
    EXPECT_EQ(word_of({texels[0] / 255.0f, texels[1] / 255.0f, texels[2] / 255.0f}), target);
    EXPECT_EQ((std::vector<uint8_t>(texels.begin() + 4, texels.end())), (std::vector<uint8_t>{230, 204, 26, 255}));
    EXPECT_EQ(mesh.materials[2].texture->levels[0].rgba[2], 204);  // the original stays
  }
}

TEST(CorpusColours, RecolouringKeepsTheGrain) {
  Mesh mesh;
  Material wood;
  wood.texture = std::make_shared<const Texture>(make_texture(2, 1, {120, 80, 45, 255, 150, 105, 65, 255}));
  mesh.materials = {wood};
  const Mesh changed =
      recoloured(mesh, oklab_from_srgb({0.53f, 0.36f, 0.22f}), oklab_from_srgb(typical_colour("green")));
  const auto& texels = changed.materials[0].texture->levels[0].rgba;
  EXPECT_GT(texels[5], texels[1] + 10);
}

TEST(CorpusCaptions, BeginWithThePlainestAndNeverMixUpColours) {
  EXPECT_EQ(with_article("armchair"), "an armchair");
  EXPECT_EQ(with_article("teapot"), "a teapot");
  const auto own = captions({.word = "armchair", .synonyms = {}, .colour = "red"});
  EXPECT_EQ(own[0], "an armchair");
  EXPECT_NE(std::ranges::find(own, "a red armchair"), own.end());
  const auto changed = captions({.word = "teapot", .synonyms = {"tea jug"}, .colour = "orange", .recoloured = true});
  EXPECT_EQ(changed[0], "an orange teapot");
  EXPECT_NE(std::ranges::find(changed, "an orange tea jug"), changed.end());
  for (const std::string& caption : changed) EXPECT_NE(caption.find("orange"), std::string::npos) << caption;
  EXPECT_EQ(captions({.word = "teapot", .synonyms = {}, .colour = ""}).size(), 3u);
}

TEST(CorpusTable, IsReadAndItsMistakesAreNamedByLine) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "table.tsv";
  write_file(file, "# comment\nscopia/a\tteapot\t-90\ty\tn\tpot,tea jug\nscopia/b\tteapot\t12.5\tn\ty\n");
  const std::vector<TableRow> rows = read_table(file);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].yaw, -90);
  EXPECT_TRUE(rows[0].mirrors && !rows[0].recolours && !rows[1].mirrors && rows[1].recolours);
  EXPECT_EQ(rows[0].synonyms, (std::vector<std::string>{"pot", "tea jug"}));
  for (const char* line :
       {"x", "a\tTeapot\t0\ty\ty", "a\tteapot\tx\ty\ty", "a\tteapot\tnan\ty\ty", "a\tteapot\t0\t1\ty",
        "a\ta b c d\t0\ty\ty", "\tteapot\t0\ty\ty", "a\tteapot\t0\ty\ty\tTea", "s\tpot\t0\ty\ty"}) {
    write_file(file, std::string("s\tpot\t0\ty\ty\n") + line + "\n");
    EXPECT_EQ(lucid::test::mistake_of([&] { read_table(file); }).line, 2) << line;
  }
}

TEST(CorpusTable, TheShippedOneHoldsWhatThePriorIsToKnow) {
  const std::vector<TableRow> rows = read_table(lucid::test::source_dir() / "models/corpus/sweethome3d.tsv");
  std::set<std::string> words;
  for (const TableRow& row : rows) words.insert(row.word);
  EXPECT_GE(words.size(), 150u);
  for (const char* word : {"armchair", "teapot", "hamburger", "rubiks cube", "leather armchair", "wine bottle"}) {
    EXPECT_TRUE(words.contains(word)) << word;
  }
  for (const std::string& colour : colour_words()) EXPECT_FALSE(words.contains(colour));
}

}  // namespace
}  // namespace lucid::corpus
