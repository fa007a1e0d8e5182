// SPDX-License-Identifier: Apache-2.0
// Blind evaluation: what counts as right, forms and keys, and that nothing in the folder tells a name.
#include "lucid/eval/blind.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"

namespace lucid::eval {
namespace {

namespace fs = std::filesystem;

TEST(Blind, AnAnswerIsRightIfItNamesTheObject) {
  EXPECT_TRUE(names_rightly("a toy car", {"car"}));
  EXPECT_TRUE(names_rightly("Cake!", {"birthday cake"}));
  EXPECT_TRUE(names_rightly("Birthday-cakes", {"birthday cake"}));
  EXPECT_TRUE(names_rightly("couch", {"sofa", "couch"}));
  EXPECT_TRUE(names_rightly("the glass", {"glass"}));
  EXPECT_FALSE(names_rightly("carpet", {"car"}));
  EXPECT_FALSE(names_rightly("birthday", {"birthday cake"}));
  EXPECT_FALSE(names_rightly("a cloak", {"suit jacket"}));
  EXPECT_FALSE(names_rightly(" ", {"car"}));
  EXPECT_FALSE(names_rightly("a", {"car"}));
  EXPECT_FALSE(names_rightly("car", {}));
}

TEST(Blind, CsvOfSpreadsheetsIsRead) {
  using Rows = std::vector<std::vector<std::string>>;
  EXPECT_EQ(parse_csv("a,b\r\n1,\"x, \"\"y\"\"\n\"\r\n\r\n2,\n"), (Rows{{"a", "b"}, {"1", "x, \"y\"\n"}, {"2", ""}}));
  EXPECT_EQ(parse_csv("a;b\n1;2,5"), (Rows{{"a", "b"}, {"1", "2,5"}}));
  EXPECT_TRUE(parse_csv("").empty());
}

/// Two assets with their sheets, form and key in TEMPORARY/blind.
struct BlindFolder {
  lucid::test::TemporaryFolder temporary;
  fs::path folder = temporary.path / "blind";

  BlindFolder() {
    const torch::NoGradGuard no_grad;
    std::vector<BlindAsset> assets;
    for (const char* word : {"sofa", "car"}) {
      const fs::path file = temporary.path / fmt::format("{}.ply", word);
      lucid::asset::write_ply(file, gaussians::make_start({.kind = "sphere", .count = 50}));
      assets.push_back({.found = {.file = file, .name = word, .prompt = word},
                        .prompt = {.text = fmt::format("a {}", word), .word = word, .colour = ""}});
    }
    write_blind(folder, assets, {{"sofa", {"couch"}}});
  }
  /// Numbers of "a sofa" and "a car".
  std::pair<int, int> numbers() const {
    return parse_csv(read_file(key_of(folder)))[1][1] == "a sofa" ? std::pair(1, 2) : std::pair(2, 1);
  }
  BlindScore score(const std::string& form) const {
    write_file(temporary.path / "filled.csv", form);
    return score_form(folder / "", temporary.path / "filled.csv");
  }
};

TEST(Blind, TheFolderShowsEveryAssetAndNamesNone) {
  const BlindFolder made;
  for (const char* name : {"01.png", "02.png", "form.csv", "form.html"})
    EXPECT_TRUE(fs::exists(made.folder / name)) << name;
  EXPECT_EQ(std::distance(fs::directory_iterator(made.folder), fs::directory_iterator()), 4);
  const std::string page = read_file(made.folder / "form.html"), form = read_file(made.folder / "form.csv");
  for (const char* word : {"sofa", "couch", "car"}) {
    EXPECT_EQ(page.find(word), std::string::npos) << word;
    EXPECT_EQ(form.find(word), std::string::npos) << word;
  }
  EXPECT_NE(page.find("src=\"02.png\""), std::string::npos);
  EXPECT_EQ(made.score(form).right, 0);  // the blank form is a valid one
}

TEST(Blind, AFormIsComparedWithTheKey) {
  const BlindFolder made;
  const auto [sofa, car] = made.numbers();
  const BlindScore score =
      made.score(fmt::format("number,name,looks,remarks\n{},a couch,4,\n{},boat,1.5,\"a, b\"\n", sofa, car));
  EXPECT_EQ(score.right, 1);
  EXPECT_EQ(score.rated, 2);
  EXPECT_EQ(score.looks, 2.75);
  const BlindAnswer& answer = score.answers[static_cast<size_t>(sofa - 1)];
  EXPECT_EQ(answer.prompt, "a sofa");
  EXPECT_EQ(answer.name, "a couch");
  EXPECT_TRUE(answer.right);
  const BlindScore half = made.score(fmt::format("looks;name;number\n;car;{}\n", car));
  EXPECT_EQ(half.right, 1);
  EXPECT_EQ(half.rated, 0);
  EXPECT_EQ(half.answers.size(), 2u);
}

TEST(Blind, MistakesInAFormAreNamed) {
  const BlindFolder made;
  const auto what = [&](const std::string& form) {
    try {
      made.score(form);
    } catch (const UserError& error) {
      return error.mistake().key + ": " + error.mistake().what_happened;
    }
    return std::string("nothing");
  };
  EXPECT_EQ(what("number,name,looks\n3,car,1\n"), "number: '3' is not in the key");
  EXPECT_EQ(what("number,name,looks\n1,car,1\n1,car,1\n"), "number: '1' stands twice");
  EXPECT_EQ(what("number,name,looks\n1,car,6\n"), "looks: '6' is not in [1, 5]");
  EXPECT_EQ(what("number,name,looks\n1,car,good\n"), "looks: 'good' is no number");
  EXPECT_EQ(what("number,name\n1,car\n"), "looks: has no such column");
}

}  // namespace
}  // namespace lucid::eval
