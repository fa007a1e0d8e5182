// SPDX-License-Identifier: Apache-2.0
// Tests of spelling suggestions: pairs of words that are near and pairs that are not.
#include "lucid/base/spelling.h"

#include <gtest/gtest.h>

namespace lucid {
namespace {

TEST(Spelling, EditsAreCounted) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "mug"), 3u);
  EXPECT_EQ(edit_distance("mug", "mug"), 0u);
  EXPECT_EQ(edit_distance("hambuger", "hamburger"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("cuont", "count"), 1u) << "a swap of two neighbours is one edit";
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);
}

TEST(Spelling, NearAreSlipsBeginningsAndParts) {
  for (const auto& [typed, known] : {std::pair{"hambuger", "hamburger"},
                                     {"amplfier", "amplifier"},
                                     {"ted", "teddy"},
                                     {"cats", "cat"},
                                     {"crat", "crate"},
                                     {"colour", "colours"},
                                     {"house", "doghouse"},
                                     {"phone", "telephone"},
                                     {"guidance", "guidance-scale"}}) {
    EXPECT_TRUE(near_distance(typed, known)) << typed << ", " << known;
    EXPECT_TRUE(near_distance(known, typed)) << known << ", " << typed;
  }
}

TEST(Spelling, FarAreWordsThatOnlyShareLetters) {
  for (const auto& [typed, known] : {std::pair{"dragon", "wagon"},
                                     {"dragon", "rubiks"},
                                     {"unicorn", "unit"},
                                     {"car", "cardboard"},
                                     {"dog", "hog"},
                                     {"and", "man"},
                                     {"pan", "piano"},
                                     {"castle", "candle"},
                                     {"", "mug"}}) {
    EXPECT_FALSE(near_distance(typed, known)) << typed << ", " << known;
  }
}

TEST(Spelling, OnlyTheNearestAreShown) {
  const std::vector<std::string> known = {"doghouse", "horses", "horse", "mouse", "houses", "house", "house"};
  EXPECT_EQ(near_words("hose", known, 2), (std::vector<std::string>{"horse", "house"}));
  EXPECT_EQ(near_words("house", known), std::vector<std::string>{"house"});
  EXPECT_TRUE(near_words("dragon", known).empty());
}

}  // namespace
}  // namespace lucid
