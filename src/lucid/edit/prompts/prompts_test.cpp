// SPDX-License-Identifier: Apache-2.0
// Tests of the pair of prompts: manifests beside and above an asset, pairs that are refused.
#include "lucid/edit/prompts/prompts.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::edit {
namespace {
namespace fs = std::filesystem;

TEST(EditPrompts, AnAssetHasThePromptOfItsRun) {
  const test::TemporaryFolder folder;
  const fs::path run = folder.path / "a_red_car", deep = run / "point_cloud" / "iteration_9";
  fs::create_directories(deep);
  EXPECT_EQ(prompt_of_asset(deep / "point_cloud.ply"), std::nullopt);
  write_file(run / "manifest.json", R"({"prompt": "a red car"})");
  EXPECT_EQ(prompt_of_asset(deep / "point_cloud.ply"), "a red car");
  EXPECT_EQ(prompt_of_asset(run / "a_red_car.spz"), "a red car");
  EXPECT_EQ(prompt_of_asset(folder.path / "other.ply"), std::nullopt);
  for (const char* text : {"", "{", "[]", R"({"prompt": 3})"}) {
    write_file(run / "manifest.json", text);
    EXPECT_EQ(prompt_of_asset(run / "a_red_car.spz"), std::nullopt) << text;
  }
}

TEST(EditPrompts, PairsMustDifferAndShareAWord) {
  const auto mistake = [](const std::string& from, const std::string& to) -> std::string {
    try {
      check_pair(from, to);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(mistake("a red car", "A BLUE car"), "");
  EXPECT_EQ(mistake("a mug", "a teapot"), "");
  EXPECT_NE(mistake("mug", "teapot").find("share no word"), std::string::npos);
  EXPECT_NE(mistake("a red car", "a red  Car!").find("shows already"), std::string::npos);
}

TEST(EditPrompts, TheMaskWordStandsInThePrompt) {
  for (const char* word : {"orange", "Camping lantern", "an orange camping lantern"})
    EXPECT_NO_THROW(check_mask_word("an orange camping lantern", word)) << word;
  for (const char* word : {"lantern camping", "camp", "blue", " ", ""})
    EXPECT_THROW(check_mask_word("an orange camping lantern", word), UserError) << word;
}

}  // namespace
}  // namespace lucid::edit
