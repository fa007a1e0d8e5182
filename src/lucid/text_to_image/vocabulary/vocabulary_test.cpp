// SPDX-License-Identifier: Apache-2.0
// Prompts against a vocabulary: known, near, refused; and the shipped list itself.
#include "lucid/text_to_image/vocabulary/vocabulary.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::text_to_image {
namespace {

Vocabulary toys() {
  return {.names = {"teddy bear", "hamburger", "cat", "car", "rubiks cube"},
          .colours = {"red", "blue"},
          .filler = {"a", "the", "of", "photo"}};
}
using Words = std::vector<std::string>;

TEST(Vocabulary, KnownPromptsPass) {
  for (const char* text : {"a hamburger", "A Photo of the RED car!", "a teddy-bear", "a Rubik's cube"}) {
    SCOPED_TRACE(text);
    EXPECT_TRUE(check_prompt(toys(), text).unknown.empty());
  }
}

TEST(Vocabulary, UnknownWordsAreNamedOnceWithNearOnes) {
  const PromptCheck check = check_prompt(toys(), "a red hambuger, a Dragon and a dragon");
  EXPECT_FALSE(check.nothing_known);
  EXPECT_EQ(check.unknown, (Words{"hambuger", "dragon", "and"}));
  ASSERT_EQ(check.suggestions.size(), 3u);
  EXPECT_EQ(check.suggestions[0], Words{"hamburger"});
  EXPECT_TRUE(check.suggestions[1].empty());
}

TEST(Vocabulary, NearWordsSuggestWholeNames) {
  const PromptCheck check = check_prompt(toys(), "a blue ted, cats");
  ASSERT_EQ(check.unknown, (Words{"ted", "cats"}));
  EXPECT_NE(std::ranges::find(check.suggestions[0], "teddy bear"), check.suggestions[0].end());
  EXPECT_EQ(check.suggestions[1].front(), "cat");
}

std::string refusal_of(const Vocabulary& vocabulary, const std::string& text) {
  try {
    check_prompt(vocabulary, text);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Vocabulary, NothingKnownIsRefusedWithExamplesAndTheCommandThatListsAll) {
  EXPECT_TRUE(examine_prompt(toys(), "a photo of the dragon").nothing_known);
  const std::string refusal = refusal_of(toys(), "a photo of the dragon");
  for (const char* part : {"dragon", "5 things", "teddy bear", "lucid info words"})
    EXPECT_NE(refusal.find(part), std::string::npos) << part << " in: " << refusal;
  EXPECT_EQ(refusal.find("did you mean"), std::string::npos) << refusal;
  EXPECT_NE(refusal_of(toys(), "a hambuger").find("did you mean hamburger?"), std::string::npos);
  EXPECT_NE(refusal_of(toys(), ""), "");
}

TEST(Vocabulary, TheShippedPriorOffersNearWordsOnlyWhereTheyHelp) {
  const Vocabulary shipped = load_vocabulary(lucid::test::source_dir() / "models/mini").value();
  const auto near = [&](const std::string& word) { return examine_prompt(shipped, word).suggestions.at(0); };
  for (const char* word : {"dragon", "unicorn", "castle", "spaceship", "elephant", "joker", "axe", "throne"})
    EXPECT_TRUE(near(word).empty()) << word << ": " << near(word).front();
  for (const auto& [word, name] : {std::pair{"hambuger", "hamburger"},
                                   {"armchairs", "armchair"},
                                   {"house", "doghouse"},
                                   {"motorbicycle", "bicycle"},
                                   {"tedy", "teddy bear"}}) {
    const Words found = near(word);
    EXPECT_NE(std::ranges::find(found, name), found.end()) << word;
  }
}

TEST(Vocabulary, WithoutTheFileThereIsNone) {
  const lucid::test::TemporaryFolder folder;
  EXPECT_FALSE(load_vocabulary(folder.path).has_value());
}

TEST(Vocabulary, BadFilesAreTheUsersMistake) {
  const lucid::test::TemporaryFolder folder;
  for (const char* bytes :
       {"", "[]", "{}", "{\"names\": 3}", "{\"names\": [1]}", "{\"names\": [\"\"]}", "{\"names\": [\"a\"]"}) {
    SCOPED_TRACE(bytes);
    write_file(folder.path / "vocabulary.json", bytes);
    EXPECT_THROW(load_vocabulary(folder.path), UserError);
  }
}

TEST(Vocabulary, TheShippedPriorsListIsWhole) {
  const Vocabulary shipped = load_vocabulary(lucid::test::source_dir() / "models/mini").value();
  EXPECT_EQ(shipped.names.size(), 199u);
  EXPECT_EQ(shipped.colours.size(), 11u);
  for (const std::string& name : shipped.names) {
    EXPECT_TRUE(check_prompt(shipped, "a " + name + ", front view").unknown.empty()) << name;
  }
}

}  // namespace
}  // namespace lucid::text_to_image
